using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>A turn goes on while the log has lost its beginning: who follows it is told so, once, and gets what is left.</summary>
public sealed class FollowGapTests : ApiTurnTest
{
    private SessionId session;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(null)]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Gap_IsToldOnce_WhenTheLogDoesNotReachBackToTheCursor(string? cursor)
    {
        var (turn, kept) = await BeginAsync();

        using var stream = await FollowAsync(turn, cursor);
        using var again = await FollowAsync(turn, $"{kept - 1}");
        using var later = await FollowAsync(turn, $"{kept}");
        await EndAsync(turn);

        var frames = (await stream.TurnAsync()).Frames;
        Assert.Equal(new SseFrame("gap", $"{kept - 1}", $$"""{"after":"{{cursor ?? "0"}}"}"""), frames[0]);
        Assert.Equal(["chunk", "error"], frames.Skip(1).Select(frame => frame.Event));
        Assert.Equal(frames.Skip(1), (await again.TurnAsync()).Frames);
        Assert.Equal(frames.Skip(2), (await later.TurnAsync()).Frames);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Gap_IsTold_WhenTheMessageIsSentAgain()
    {
        var body = new { message = "count", stream = true };
        using var first = await api.Client.PostAsync(session.ToString(), "key-1", body);
        var turn = TurnId.Parse(first.Content.Headers.ContentLocation!.OriginalString.Split('/')[^2]);
        await LoseBeginningAsync(turn);

        using var retry = await api.Client.PostAsync(session.ToString(), "key-1", body);
        await EndAsync(turn);

        Assert.True(retry.IsReplayed());
        Assert.Equal(["gap", "chunk", "error"], (await retry.TurnAsync()).Frames.Select(frame => frame.Event));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsRunning_AndTellsItsLastEvent()
    {
        var (turn, kept) = await BeginAsync();

        var state = await api.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/turns/{turn}", TestContext.Current.CancellationToken);

        Assert.Equal(("running", $"{kept}"), (state.GetProperty("state").GetString(), state.GetProperty("last_event_id").GetString()));
    }

    private async Task<(TurnId Turn, ulong Kept)> BeginAsync()
    {
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.AskAsync(api, session, turn, 1);
        return (turn, await LoseBeginningAsync(turn));
    }

    /// <summary>Begins the turn as a worker does, and removes from its log all but its last chunk, whose sequence it returns.</summary>
    private async Task<ulong> LoseBeginningAsync(TurnId turn)
    {
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "m"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("one", 0));
        var kept = await Conversations.LogAsync(api, session, turn, new TurnChunk(" two", 1));
        await api.JetStream.PurgeStreamAsync(Streams.Tokens.Name, new StreamPurgeRequest { Seq = kept }, TestContext.Current.CancellationToken);
        return kept;
    }

    private Task<ulong> EndAsync(TurnId turn) => Conversations.LogAsync(api, session, turn, new TurnFailed(TurnErrorCodes.Interrupted, "over"));

    private async Task<HttpResponseMessage> FollowAsync(TurnId turn, string? cursor)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/kgent/sessions/{session}/turns/{turn}/events");
        if (cursor is not null)
        {
            request.Headers.Add("Last-Event-ID", cursor);
        }

        return await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
