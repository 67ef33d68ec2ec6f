using System.Diagnostics.Metrics;
using Kgents.Metering.Webhooks.Sending;

namespace Kgents.Metering.Telemetry;

/// <summary>How deliveries to webhooks go. None says whose they are: a tenant's receivers are no name for a metric.</summary>
internal sealed class WebhookMetrics
{
    private readonly Counter<long> attempts;
    private readonly Counter<long> failures;
    private readonly Counter<long> disabled;
    private readonly Histogram<double> duration;

    public WebhookMetrics(IMeterFactory meters, DeliveryQueue queue)
    {
        var meter = meters.Create(MeteringMetrics.MeterName);
        attempts = meter.CreateCounter<long>("kgents.webhooks.attempts", "{attempt}", "Tries to deliver, by outcome: delivered, a class of status as 5xx, or why there was no answer");
        failures = meter.CreateCounter<long>("kgents.webhooks.failed", "{delivery}", "Deliveries that were given up");
        disabled = meter.CreateCounter<long>("kgents.webhooks.disabled", "{webhook}", "Webhooks that were disabled because they answered 410");
        duration = meter.CreateHistogram<double>("kgents.webhooks.duration", "s", "How long receivers took to answer, or not to");
        meter.CreateObservableGauge("kgents.webhooks.pending", () => queue.Count, "{delivery}", "Deliveries that wait, the same on each replica");
    }

    public void Attempted(SendResult result, TimeSpan took)
    {
        attempts.Add(1, new KeyValuePair<string, object?>("outcome", result.IsSuccess ? "delivered" : result.Status is { } status ? $"{(int)status / 100}xx" : result.Error));
        duration.Record(took.TotalSeconds);
    }

    public void Failed() => failures.Add(1);

    public void Disabled() => disabled.Add(1);
}
