using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;

namespace Kgents.Tests.Rights;

/// <summary>From usage to OpenMeter, and what an operator does by hand.</summary>
internal sealed class MeteringWork(RightsSystem system)
{
    private HttpClient Client => system.Api.Client;

    public async Task MeterAsync()
    {
        await using var command = await KgentsHost.StartAsync(system.Url(NatsUsers.Metering), Parts.MeteringStreams);
        var ledger = new LedgerView(command);
        await ledger.SettledAsync();
        await RunAsync(command, "ledger", "correct", $"{(await ledger.StateAsync()).SentThrough}", "--reason", "nothing was refused so far", "--reference", "first");
        await ledger.SettledAsync();
        var poison = await Conversations.StoreAsync(system.Operator, Subjects.Usage(Conversations.Tenant, SessionId.New(0, TimeProvider.System)), "{}"u8.ToArray());
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Quarantined.Count == 1);
        await system.GetAsync("/v1/usage");
        await system.GetAsync("/v1/usage/reconciliation");

        // Letters of usage are read backwards, and the last one of the stream is of something else.
        await Conversations.StoreAsync(system.Operator, Subjects.DeadLetters("messages", Conversations.Tenant), "{}"u8.ToArray());
        await RunAsync(command, "ledger", "show");
        await RunAsync(command, "ledger", "verify");
        await RunAsync(command, "dead-letters", "list");
        await system.GetAsync("/v1/admin/dead-letters");
        await RunAsync(command, "dead-letters", "inspect", $"{poison}");
        await RunAsync(command, "dead-letters", "discard", $"{poison}", "--reason", "a mistake");
        system.OpenMeter.IsPoison = usage => usage.GetProperty("subject").ValueEquals("default") && usage.GetProperty("type").ValueEquals(UsageEvent.BillableType);
        Assert.Equal("complete", new Turn(await Client.SayAsync(await Client.CreateSessionAsync(), "hello")).EndKind);
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Refused.Count == 1);
        system.OpenMeter.IsPoison = null;
        await RunAsync(command, "dead-letters", "replay", $"{(await ledger.StateAsync()).Refused.Single()}", "--reason", "it was mended");
        await ledger.SettledAsync();
        await RunAsync(command, "ledger", "correct", $"{(await ledger.StateAsync()).SentThrough}", "--reason", "a mistake", "--reference", "one");
        await RunAsync(command, "ledger", "rebuild", "--reason", "to see it");
        await ledger.SettledAsync();

        system.OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        Assert.Equal("complete", new Turn(await Client.SayAsync(await Client.CreateSessionAsync(), "hello")).EndKind);

        // Of its call, of the turn itself, and of requests that were sent with them.
        await Eventually.TrueAsync(async () => await ledger.StateAsync() is { Missing: > 0 and var missing } state && missing == state.Unsettled.Count);
        foreach (var sequence in (await ledger.StateAsync()).Unsettled.Values.Where(each => each.Phase == UnsettledPhase.Missing).Select(each => each.Sequence).ToList())
        {
            await RunAsync(command, "ledger", "reissue", $"{sequence}", "--reason", "its id is burnt");
        }

        await ledger.SettledAsync();
    }

    private static async Task RunAsync(KgentsHost command, params string[] args)
    {
        var (code, text) = await MeteringOperator.RunAsync(command, args);
        Assert.True(code == 0, text);
    }
}
