using System.Diagnostics.Metrics;
using System.Reflection;
using Kgents.Contracts;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks.Sending;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Documentation;

/// <summary>docs/webhooks.md names every event, error and metric. The fields of each event are compared with what receivers get, wherever one gets something.</summary>
public sealed class WebhooksPageTests
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("webhooks.md");

    [Fact]
    public void EveryEvent_IsNamed()
    {
        Assert.Equivalent(Constants(typeof(WebhookEventTypes)), Page.Names("Events"), strict: true);
        Assert.Equal(WebhookEventTypes.Choices.Append(WebhookEventTypes.Test), Page.Names("Events"));
    }

    [Fact]
    public void EveryError_IsNamed() => Assert.Equivalent(Constants(typeof(WebhookAttemptErrors)), Page.Names("The log"), strict: true);

    [Fact]
    public void EveryMetric_IsNamed()
    {
        var names = new List<string>();
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => names.Add(instrument.Name) };
        listener.Start();
        names.Clear();

        Assert.NotNull(new WebhookMetrics(services.GetRequiredService<IMeterFactory>(), new DeliveryQueue(Options.Create(new WebhookDeliveryOptions()), TimeProvider.System)));

        Assert.Equivalent(names.Where(name => name.StartsWith("kgents.webhooks.", StringComparison.Ordinal)).Distinct(), Page.Names("Watching it"), strict: true);
    }

    private static IEnumerable<string> Constants(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!);
}
