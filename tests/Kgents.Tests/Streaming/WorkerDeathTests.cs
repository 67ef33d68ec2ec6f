using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Streaming;

/// <summary>
/// What if the worker dies here? At every write of a turn one worker is cut off for ever, before the write reaches the server or after it is
/// stored but before the worker knows. Another worker must end the turn, once, whole, and billed once.
/// </summary>
public abstract class WorkerDeathTests(CutPoint point)
{
    private const string Reply = "one two three";

    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    public async Task Turn_EndsOnceAndWhole_WhenItsWorkerDiesAtAWrite(int write)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, cancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(cancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Token(" two"), new ModelStep.Token(" three"), new ModelStep.Usage(11, 3));

        await using var api = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, Settings(model));
        await Eventually.TrueAsync(async () => await WaitingPullsAsync(api) > 0);
        proxy.CutAt(write, point, IsWrite);

        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await Task.WhenAny(proxy.CutHappened, Eventually.TrueAsync(async () => (await api.Client.MessagesAsync(session)).Count == 2));
        doomed.Forsake();
        await using var heir = await KgentsHost.StartAsync(nats.Url, Parts.Streaming, Settings(model));
        var turn = new Turn(await SseClient.ReadAsync(response, cancellationToken).ToListAsync(cancellationToken));

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal(Reply, turn.End.GetProperty("text").GetString());
        Assert.Equal(Reply, turn.Text);

        var records = await TurnRecords.ReadAsync(api, session, turn.Id);
        Assert.Equal(Reply, records.ChunkText);
        Assert.Equal(Reply, Assert.Single(records.Answers).Text);
        Assert.Single(records.Kinds, TurnEventCodec.Committed);
        Assert.Single(records.Kinds, TurnEventCodec.IsTerminal);
        Assert.True(TurnEventCodec.IsTerminal(records.Kinds[^1]));
        Assert.Equal("11", Assert.Single(records.BillableUsage).GetProperty("data").GetProperty("input_tokens").GetString());
        Assert.Equal(records.Usage.Count, records.Usage.Select(usage => usage.GetProperty("id").GetString()).Distinct().Count());

        await Eventually.TrueAsync(async () => await UnacknowledgedAsync(api) == 0);
        var next = new Turn(await api.Client.SayAsync(session, "again"));
        Assert.Equal(Reply, next.End.GetProperty("text").GetString());
    }

    /// <summary>Everything that changes a stream, and the ack; not the questions that a worker asks.</summary>
    private static bool IsWrite(string subject) =>
        subject.StartsWith("kgents.tokens.", StringComparison.Ordinal) || subject.StartsWith("kgents.usage.", StringComparison.Ordinal)
        || subject.StartsWith("kgents.messages.", StringComparison.Ordinal) || subject.StartsWith("$JS.ACK.", StringComparison.Ordinal);

    private static (string, string?)[] Settings(ScriptedModelServer model) =>
    [
        ("ConnectionStrings:llm", model.ConnectionString),
        ("Turns:AckWait", "00:00:01"),
        ("Turns:DrainTimeout", "00:00:00"),
    ];

    private static async Task<long> WaitingPullsAsync(KgentsHost host) => (await ConsumerAsync(host))?.NumWaiting ?? 0;

    private static async Task<long> UnacknowledgedAsync(KgentsHost host) => (await ConsumerAsync(host))!.NumAckPending;

    private static async Task<ConsumerInfo?> ConsumerAsync(KgentsHost host)
    {
        try
        {
            return (await host.JetStream.GetConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken)).Info;
        }
        catch (NATS.Client.JetStream.NatsJSApiException)
        {
            // Not there yet.
            return null;
        }
    }
}

public sealed class WorkerDeathBeforeTheServerHasIt() : WorkerDeathTests(CutPoint.BeforeForward);

public sealed class WorkerDeathBeforeTheWorkerKnows() : WorkerDeathTests(CutPoint.BeforeReply);
