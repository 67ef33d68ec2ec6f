using Kgents.Contracts;
using Kgents.Metering.Reconcile;
using Kgents.Testing;

namespace Kgents.Tests.Metering.Operations;

/// <summary>A meter that is compared is one of <c>deploy/openmeter/config.yaml</c>, and sums what its events count.</summary>
public sealed class UsageMeterTests
{
    private const string Begin = "  - slug: ";

    private static readonly string Configuration = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "openmeter", "config.yaml")).ReplaceLineEndings("\n");

    [Theory]
    [InlineData(UsageEvent.BillableType)]
    [InlineData(UsageEvent.TurnType)]
    [InlineData(UsageEvent.RequestType)]
    public void Meter_IsConfiguredAsItIsAsked(string type)
    {
        Assert.NotEmpty(UsageMeter.Of(type));
        Assert.All(UsageMeter.Of(type), meter =>
        {
            var configured = Assert.Single(Configuration.Split(Begin), each => each.StartsWith($"{meter.Slug}\n", StringComparison.Ordinal));
            Assert.Contains($"\n    eventType: {type}\n    aggregation: SUM\n    valueProperty: $.{meter.Field}\n", configured, StringComparison.Ordinal);
            Assert.Equal(meter.ByModel, configured.Contains("\n      model: $.model\n", StringComparison.Ordinal) || configured.Contains("billable", StringComparison.Ordinal));
        });
        Assert.Equal(UsageEvent.QuantityField(type), UsageMeter.Of(type)[0].Field);
    }

    /// <summary>Whatever has a price is compared: no meter of the configuration is left out but these, which are to look at.</summary>
    [Fact]
    public void EveryMeterThatMayBeBilled_IsAsked()
    {
        var configured = Configuration.Split(Begin).Skip(1).Select(each => each.Split('\n')[0]);
        var asked = new[] { UsageEvent.BillableType, UsageEvent.TurnType, UsageEvent.RequestType }.SelectMany(UsageMeter.Of).Select(meter => meter.Slug);

        Assert.Equal(configured.Except(["agent_active_sessions", "llm_nonbillable_tokens"]).Order(), asked.Order());
    }
}
