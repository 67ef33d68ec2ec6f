using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deletions;

/// <summary>
/// What if the worker dies here? At every write of a deletion one worker is cut off for ever, before the write reaches the server or after it is done but
/// before the worker knows. Another must delete the session: nothing left, nobody left waiting, and billed what was committed, once.
/// </summary>
public abstract class DeletionDeathTests(CutPoint point)
{
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
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public async Task Session_IsDeletedWhole_WhenAWorkerDiesAtAWriteOfItsDeletion(int write)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, cancellationToken);
        await using var api = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());

        // One turn that is committed and not finished, with one behind it, and an order that nobody has begun to carry out.
        var turn = TurnId.New(TimeProvider.System);
        var usage = new UsagePayload("u-1", $$"""{"id":"u-1","type":"kgents.llm.usage.v1","data":{"turn_id":"{{turn}}"} }""");
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("whole", 0));
        await Conversations.LogAsync(api, session, turn, new TurnCommitted(
            TurnStatus.Completed, null, "a-1", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("whole"))), 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), [usage]));
        await Conversations.AskAsync(api, session, turn, 1);
        using var waiting = await api.Client.PostAsync(session.ToString(), "key", new { message = "next", on_busy = "enqueue" });
        await Conversations.StoreAsync(
            api, Subjects.Deletion(Conversations.Tenant, session), System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new DeletionOrder(TimeProvider.System.GetUtcNow()), WireJson.Default.DeletionOrder));

        // The queue brings the turns to nobody, so what is written is written by the deletion.
        await Conversations.AcknowledgeAllAsync(api);
        proxy.CutAt(write, point, IsWrite);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, Settings);
        await Task.WhenAny(proxy.CutHappened, Remains.NoneAsync(api, session));
        doomed.Forsake();
        await using var heir = await KgentsHost.StartAsync(nats.Url, Parts.Streaming, Settings);
        await Remains.NoneAsync(api, session);

        Assert.Equal("cancelled", (await waiting.TurnAsync()).EndKind);
        Assert.Single((await TurnRecords.ReadAsync(api, session.ToString(), turn)).BillableUsage);
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync($"/v1/kgent/sessions/{session}", cancellationToken)).StatusCode);
    }

    /// <summary>All that changes a stream; not the questions that a worker asks.</summary>
    private static bool IsWrite(string subject) =>
        subject.StartsWith("kgents.", StringComparison.Ordinal) && !subject.StartsWith("kgents.control.", StringComparison.Ordinal) || subject.StartsWith("$KV.", StringComparison.Ordinal) || subject.StartsWith("$JS.API.STREAM.PURGE.", StringComparison.Ordinal);

    private static (string, string?)[] Settings =>
    [
        ("Turns:AckWait", "00:00:00.500"),
        ("Turns:DrainTimeout", "00:00:00"),
        ("Deletions:Interval", "00:00:00.050"),
        ("Deletions:PurgeAgainAfter", "00:00:00.500"),
    ];
}

[TakesSeconds(31)]
public sealed class DeletionDeathBeforeTheServerHasIt() : DeletionDeathTests(CutPoint.BeforeForward);

[TakesSeconds(31)]
public sealed class DeletionDeathBeforeTheWorkerKnows() : DeletionDeathTests(CutPoint.BeforeReply);
