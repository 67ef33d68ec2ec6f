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
        var meter = UsageMeter.Of(type)!;

        var configured = Assert.Single(Configuration.Split(Begin), each => each.StartsWith($"{meter.Slug}\n", StringComparison.Ordinal)).Replace("*billable", "\n      model: $.model", StringComparison.Ordinal);
        Assert.Contains($"\n    eventType: {type}\n    aggregation: SUM\n    valueProperty: $.{UsageEvent.QuantityField(type)}\n", configured, StringComparison.Ordinal);
        Assert.Equal(meter.ByModel, configured.Contains("\n      model: $.model\n", StringComparison.Ordinal));
    }
}
