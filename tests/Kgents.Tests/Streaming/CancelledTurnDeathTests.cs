using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>
/// What if the worker dies while it ends a turn that was cancelled? At every write of that end it is cut off for ever, before the write reaches the server or after it is
/// stored but before the worker knows. Another must end the turn as cancelled, once, without asking the model again, and what was used is recorded once.
/// </summary>
public abstract class CancelledTurnDeathTests(CutPoint point) : TurnTest
{
    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task CancelledTurn_EndsOnceAsCancelled_WhenItsWorkerDiesAtAWriteOfItsEnd(int write)
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall());
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, Settings);
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var id = (await api.AskedAsync(session))[0];

        // Without the commit the next attempt begins anew, and is cancelled before its first token.
        var isCommitted = write > 1 || point == CutPoint.BeforeReply;

        // Commit, usage of the call and of the turn, answer, end; then the ack. What it tells the queue of its progress is no write of these.
        var written = 0;
        proxy.CutAt(1, point, subject => subject.StartsWith("$JS.ACK.", StringComparison.Ordinal) ? written == write - 1 && write == 6 : IsWrite(subject) && ++written == write);
        using var cancelled = await api.Client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{id}/cancel", UriKind.Relative), null, TestContext.Current.CancellationToken);
        await proxy.CutHappened;
        await using var heir = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, Settings);
        var turn = await response.TurnAsync();

        Assert.Equal(HttpStatusCode.Accepted, cancelled.StatusCode);
        Assert.Equal(("cancelled", isCommitted ? "one" : ""), (turn.EndKind, turn.Text));
        await Eventually.TrueAsync(async () => (await api.JetStream.GetConsumerAsync(Streams.Messages.Name, Consumers.TurnWorkers, TestContext.Current.CancellationToken)).Info.NumAckPending == 0);
        var records = await TurnRecords.ReadAsync(api, session, id);
        Assert.Equal(TurnStatus.Cancelled, Assert.Single(records.Answers).Status);
        Assert.Single(records.Kinds, TurnEventCodec.Committed);
        Assert.Equal(TurnEventCodec.Cancelled, Assert.Single(records.Kinds, TurnEventCodec.IsTerminal));
        Assert.True(TurnEventCodec.IsTerminal(records.Kinds[^1]));
        Assert.Equal(isCommitted ? ["client_cancelled"] : ["interrupted", "client_cancelled"], records.Usage.Select(usage => usage.GetProperty("data").GetProperty("outcome").GetString()));
        Assert.Single(records.TurnUsage);
        Assert.Single(Model.Requests);
    }

    private static bool IsWrite(string subject) =>
        subject.StartsWith("kgents.tokens.", StringComparison.Ordinal) || subject.StartsWith("kgents.usage.", StringComparison.Ordinal) || subject.StartsWith("kgents.messages.", StringComparison.Ordinal);

    private (string, string?)[] Settings => [("ConnectionStrings:llm", Model.ConnectionString), ("Turns:AckWait", "00:00:01"), ("Turns:DrainTimeout", "00:00:00")];
}

public sealed class CancelledTurnDeathBeforeTheServerHasIt() : CancelledTurnDeathTests(CutPoint.BeforeForward);

public sealed class CancelledTurnDeathBeforeTheWorkerKnows() : CancelledTurnDeathTests(CutPoint.BeforeReply);
