using Kgents.Contracts;
using Kgents.Streaming.Turns;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>One append of a turn is in flight; what the model says meanwhile leaves together in the next.</summary>
public sealed class TokenPumpTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task Tokens_LeaveTogether_ThatCameWhileAnAppendWasUnderWay()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, cancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(cancellationToken);
        var script = new ModelScript(
            new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"), new ModelStep.WaitForRelease(), new ModelStep.Token(" three"), new ModelStep.Token(" four"), new ModelStep.Token(" five"));
        model.DefaultScript = script;
        await using var api = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        await using var worker = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString));
        var session = await api.Client.CreateSessionAsync();
        using var post = await api.Client.PostAsync(session, "count");
        await Eventually.TrueAsync(async () => (await api.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, cancellationToken))?.Header(TurnHeaders.Event) == TurnEventCodec.Chunk);
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.tokens.", StringComparison.Ordinal));

        script.Release();
        await hold.Reached;
        script.Release();

        // Until the worker has read what the model says: it has nowhere to go.
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        hold.Release();
        var turn = new Turn(await SseClient.ReadAsync(post, cancellationToken).ToListAsync(cancellationToken));

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal(["one", " two", " three four five"], (await TurnRecords.ReadAsync(api, session, turn.Id)).Events.OfType<TurnChunk>().Select(chunk => chunk.Text));
    }

    /// <summary>As configured when nobody says otherwise: a worker that does not answer is asked twice after its message came again.</summary>
    [Fact]
    public void DeadWorker_IsNoticedWithinFiveSeconds_ByDefault()
    {
        var defaults = new TurnOptions();

        Assert.True(defaults.AckWait + (2 * defaults.ControlTimeout) <= TimeSpan.FromSeconds(5));
    }
}
