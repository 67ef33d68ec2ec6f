using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>What if the worker dies over a decision that is made? It is made once, recorded once, and told to the client.</summary>
public sealed class GovernanceDeathTests
{
    /// <summary>The record, the answer, the ack: after the commit, each write of a decision but the end of its log, which every turn has.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(1, CutPoint.BeforeForward)]
    [InlineData(1, CutPoint.BeforeReply)]
    [InlineData(2, CutPoint.BeforeForward)]
    [InlineData(2, CutPoint.BeforeReply)]
    [InlineData(3, CutPoint.BeforeForward)]
    public async Task Decision_IsRecordedOnce_WhenItsWorkerDiesAfterTheCommit(int write, CutPoint point)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, cancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(cancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("RECOMMENDATION: approve\nCONFIDENCE: 0.9\nPRINCIPLES: simplicity\nREASONING: It only reads."), new ModelStep.Usage(11, 3));
        (string, string?)[] settings = [("ConnectionStrings:llm", model.ConnectionString), ("Turns:AckWait", "00:00:01"), ("Turns:DrainTimeout", "00:00:00")];
        await using var api = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, settings);
        var isAnswered = false;
        proxy.CutAt(write, point, subject =>
        {
            // Until then an ack says only that the turn is under way.
            isAnswered |= subject.StartsWith("kgents.messages.", StringComparison.Ordinal);
            return subject.StartsWith("kgents.audit.", StringComparison.Ordinal) || subject.StartsWith("kgents.messages.", StringComparison.Ordinal)
                || (isAnswered && subject.StartsWith("$JS.ACK.", StringComparison.Ordinal));
        });

        var asking = api.Client.PostAsJsonAsync("/v1/soul/governance", new { action = "read a page" }, cancellationToken);
        await proxy.CutHappened.WaitAsync(cancellationToken);
        await using var heir = await KgentsHost.StartAsync(nats.Url, Parts.Streaming, settings);

        using var response = await asking;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        Assert.True(answer.GetProperty("approved").GetBoolean());
        Assert.Single(model.Requests);
        var records = await api.Reader.ReadAsync(Streams.Audit.Name, Subjects.AllAudits, 1, 0, cancellationToken).ToListAsync(cancellationToken);
        Assert.Equal(answer.GetProperty("turn_id").GetString(), JsonSerializer.Deserialize(Assert.Single(records).Data.Span, WireJson.Default.AuditRecord)!.Turn.ToString());
        Assert.Single((await TurnRecords.ReadAsync(api, answer.GetProperty("session_id").GetString()!, TurnId.Parse(answer.GetProperty("turn_id").GetString()!))).BillableUsage);
    }
}
