using System.Globalization;
using System.Text;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Resuming;

/// <summary>A client comes back with the last id that it has, however far behind, wherever and whatever was restarted meanwhile.</summary>
public sealed class ResumeTests(LongTurn turn) : IClassFixture<LongTurn>
{
    private static readonly int[] Behind = [1, 1_000, 10_000];

    public enum Restarted
    {
        Nothing,
        Api,
        Worker,
        Nats,
    }

    [Theory(Timeout = Limits.Milliseconds)]
    [InlineData(Restarted.Nothing)]
    [InlineData(Restarted.Api)]
    [InlineData(Restarted.Worker)]
    [InlineData(Restarted.Nats)]
    public async Task Viewer_GetsAllThatItMissedOnceAndWhatFollows_OnAnotherReplica(Restarted restarted)
    {
        var before = await turn.ReadLogAsync();
        Assert.True(before.Count > Behind[^1], $"The log has only {before.Count} events.");
        await RestartAsync(restarted);

        using var client = new KgentsClient(restarted is Restarted.Api ? turn.System.Api.Address : turn.OtherApi.Address, turn.System.Key);
        await client.WaitUntilKnownAsync();
        var viewers = await Task.WhenAll(Behind.Select(behind => client.ResumeAsync(turn.Path, before[^(behind + 1)].Sequence)));
        await Task.WhenAll(viewers.Select(viewer => viewer.ReadToAsync(before[^1].Sequence)));
        turn.GoOn();
        var end = await viewers[0].NextAsync("chunk");
        await Task.WhenAll(viewers[1..].Select(viewer => viewer.ReadToAsync(ulong.Parse(end.Id!, CultureInfo.InvariantCulture))));

        var log = await turn.ReadLogAsync();
        Assert.Equal(restarted is Restarted.Worker, log.Skip(before.Count).Any(entry => entry.Headers[TurnHeaders.Event] == TurnEventCodec.Restarted));
        foreach (var (viewer, behind) in viewers.Zip(Behind))
        {
            await using (viewer)
            {
                var missed = log.Skip(before.Count - behind).Select(entry => ($"{entry.Sequence}", entry.Headers[TurnHeaders.Event], Encoding.UTF8.GetString(entry.Data)));
                Assert.Equal(missed.Take(viewer.Seen.Count), viewer.Seen.Select(frame => (frame.Id!, frame.Event, frame.Data)));
                Assert.True(viewer.Seen.Count > behind);
            }
        }
    }

    private async Task RestartAsync(Restarted restarted)
    {
        var token = TestContext.Current.CancellationToken;
        switch (restarted)
        {
            case Restarted.Nothing:
                break;
            case Restarted.Api:
                await turn.System.Api.KillAsync(token);
                await turn.System.StartApiAsync();
                break;
            case Restarted.Worker:
                await turn.System.Workers[^1].KillAsync(token);
                await turn.System.StartWorkerAsync();
                break;
            case Restarted.Nats:
                await turn.System.Nats.KillAsync(token);
                await turn.System.Nats.RestartAsync(token);
                break;
        }
    }
}
