using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Readme;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>One viewer that takes nothing, among many that are live: they must not notice. Alone, since it compares times.</summary>
[Collection(typeof(Alone))]
public sealed class StalledViewerTests
{
    private const int Viewers = 15;
    private const int Pairs = 7;
    private const int Events = 100;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task LiveViewers_AreAsQuickAsWithoutIt_AndItIsCutAndResumes()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings
        {
            Workers = 0,
            Metering = false,
            Environment = new Dictionary<string, string?> { ["Turns__Stream__WriteDeadline"] = "00:00:01" },
        });
        var turn = await WrittenTurn.BeginAsync(system);
        var begin = await turn.LastAsync();

        // More than the kernel holds for a connection, so that who begins here and reads nothing stalls at once.
        await turn.WriteAsync(size: 4_000, count: 3_000);
        await RunRoundAsync(system, turn);
        var rounds = new List<(Round With, Round Without)>();
        for (var i = 0; i < Pairs; i++)
        {
            rounds.Add((await RunRoundAsync(system, turn, stallsAfter: begin), await RunRoundAsync(system, turn)));
        }

        var log = (await system.Store.ReadAsync(Streams.Tokens.Name)).ToDictionary(entry => entry.Sequence);
        var with = rounds.Select(pair => pair.With.P99(log)).Order().ToList();
        var without = rounds.Select(pair => pair.Without.P99(log)).Order().ToList();

        // The machine has its own bad moments, in rounds of either kind. Who is held up by the stalled viewer is so in every round with it, the best of them too.
        var figures = $"99th percentile in ms, with a stalled viewer: {Text(with)}; without: {Text(without)}";
        TestContext.Current.TestOutputHelper?.WriteLine(figures);
        Assert.True(with[1] < 1.5 * without[^1], figures);
        Assert.Equal(log.Keys.Order().Where(id => id > begin), await ResumeAsync(system, turn, begin, rounds[^1].With.SeenByStalled));
    }

    /// <summary>So many events, one after the other, seen by all that are live.</summary>
    private static async Task<Round> RunRoundAsync(KgentsSystem system, WrittenTurn turn, ulong? stallsAfter = null)
    {
        var after = await turn.LastAsync();
        var viewers = await Task.WhenAll(Enumerable.Range(0, Viewers).Select(async _ => new LiveViewer(
            await system.Client.Http.GetAsync($"{turn.Path}?after={after}", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))));
        using var stalled = stallsAfter is { } begin ? await StalledViewer.ConnectAsync(system.Api.Address, $"{turn.Path}?after={begin}", system.Key) : null;
        var cuts = CutsOf(system);
        var viewing = Task.WhenAll(viewers.Select(viewer => viewer.RunAsync(Events)));
        using (var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10)))
        {
            for (var i = 0; i < Events; i++)
            {
                await turn.WriteAsync(size: 200);
                await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }
        }

        await viewing;
        if (stalled is null)
        {
            return new Round(viewers, []);
        }

        await Eventually.TrueAsync(() => CutsOf(system) > cuts);
        return new Round(viewers, SeenIds.In(await stalled.ReadRestAsync()));
    }

    /// <summary>What a viewer that was cut has seen in the end, when it came back with what it had.</summary>
    private static async Task<IReadOnlyList<ulong>> ResumeAsync(KgentsSystem system, WrittenTurn turn, ulong begin, IReadOnlyList<ulong> seen)
    {
        var end = await turn.LastAsync();
        Assert.True(seen.Count == 0 || seen[^1] < end, "It had everything, so it was not cut.");
        await using var resumed = await system.Client.ResumeAsync(turn.Path, seen.Count > 0 ? seen[^1] : begin);
        await resumed.ReadToAsync(end);
        return [.. seen, .. resumed.Seen.Ids().Select(id => (ulong)id)];
    }

    private static int CutsOf(KgentsSystem system) => system.Api.Output.Count(line => line.Contains("was cut; it can resume", StringComparison.Ordinal));

    private static string Text(IEnumerable<double> figures) => string.Join(' ', figures.Select(figure => $"{figure:0.0}"));

    private sealed record Round(IReadOnlyList<LiveViewer> Viewers, IReadOnlyList<ulong> SeenByStalled)
    {
        public double P99(IReadOnlyDictionary<ulong, StoredMessage> log)
        {
            var ages = Viewers.SelectMany(viewer => viewer.Ages(log)).Order().ToList();
            return ages[(int)(ages.Count * 0.99)];
        }
    }
}
