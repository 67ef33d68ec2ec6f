using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Usage;

public sealed class UsageSurvivalTests
{
    /// <summary>A port that nothing listens on.</summary>
    private const string Away = "Endpoint=http://127.0.0.1:1;Key=test-token";

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Usage_ArrivesOnce_WhenOpenMeterWasAwayAndMeteringWasRestarted()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { OpenMeter = Away });
        system.Model.DefaultScript = new ModelScript(new ModelStep.Token("Yes."), new ModelStep.Usage(40, 2));
        var session = await system.Client.CreateSessionAsync();

        await system.Client.SayAsync(session, "While OpenMeter is away.");
        await system.Metering.WaitForLineAsync(line => line.Contains("OpenMeter did not take", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal(0, await system.Metering.TerminateAsync(TestContext.Current.CancellationToken));
        await system.Client.SayAsync(session, "While metering is away too.");
        await system.StartMeteringAsync(system.OpenMeter.ConnectionString);

        await Eventually.TrueAsync(() => system.BilledCalls == 2);
        await system.Store.UsageExportedAsync();
        Assert.Equal(2, system.BilledCalls);
        Assert.Equal(0, system.OpenMeter.Duplicates);
        Assert.Equal(84, system.OpenMeter.Sum("total_tokens", "default", UsageEvent.BillableType));
        Assert.Equal(2, system.OpenMeter.Sum("turns", "default", UsageEvent.TurnType));
    }
}
