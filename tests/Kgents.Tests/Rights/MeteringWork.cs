using Kgents.Contracts;
using Kgents.Metering.Operations;
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
        var poison = await Conversations.StoreAsync(system.Operator, Subjects.Usage(Conversations.Tenant, SessionId.New(0, TimeProvider.System)), "{}"u8.ToArray());
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Quarantined.Count == 1);
        await system.GetAsync("/v1/usage");
        await system.GetAsync("/v1/usage/reconciliation");

        await RunAsync(command, "ledger", "show");
        await RunAsync(command, "ledger", "verify");
        await RunAsync(command, "dead-letters", "list");
        await RunAsync(command, "dead-letters", "inspect", $"{poison}");
        await RunAsync(command, "dead-letters", "discard", $"{poison}", "--reason", "a mistake");
        system.OpenMeter.IsPoison = usage => usage.GetProperty("subject").ValueEquals("default");
        Assert.Equal("complete", new Turn(await Client.SayAsync(await Client.CreateSessionAsync(), "hello")).EndKind);
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Refused.Count == 1);
        system.OpenMeter.IsPoison = null;
        await RunAsync(command, "dead-letters", "replay", $"{(await ledger.StateAsync()).Refused.Single()}", "--reason", "it was mended");
        await ledger.SettledAsync();
        await RunAsync(command, "ledger", "rebuild", "--reason", "to see it");
        await ledger.SettledAsync();

        system.OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        Assert.Equal("complete", new Turn(await Client.SayAsync(await Client.CreateSessionAsync(), "hello")).EndKind);
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Missing == 1);
        await RunAsync(command, "ledger", "reissue", $"{(await ledger.StateAsync()).Unsettled.Keys.Single()}", "--reason", "its id is burnt");
        await ledger.SettledAsync();
    }

    private static async Task RunAsync(KgentsHost command, params string[] args)
    {
        await using var output = new StringWriter();
        int code;
        do
        {
            output.GetStringBuilder().Clear();
            code = await MeteringCommands.RunAsync(MeteringArguments.TryParse(args)!, command.Services, output, TestContext.Current.CancellationToken);
        }
        while (output.ToString().Contains("Once more.", StringComparison.Ordinal));

        Assert.True(code == 0, output.ToString());
    }
}
