using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Webhooks;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>
/// Tells of a new month everybody who was told of a threshold or a limit in one before. By what was told, and not by the records of quotas: a tenant that waits for the new month writes none.
/// </summary>
internal sealed class QuotaResets(WebhookEvents events, JetStreamReader reader, TimeProvider time)
{
    /// <summary>The clocks of who counts may be so far behind.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private readonly HashSet<(TenantId Tenant, string Period)> waiting = [];
    private ulong readThrough;

    public async Task TellOnceAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(cancellationToken);
        var current = (time.GetUtcNow() - ClockSkew).ToString("yyyy-MM", CultureInfo.InvariantCulture);
        foreach (var (tenant, period) in waiting.Where(each => string.CompareOrdinal(each.Period, current) < 0).ToList())
        {
            await events.PublishAsync(
                tenant,
                WebhookEventId.Of("tokens", "reset", tenant.ToString(), period),
                WebhookEventTypes.LimitReset,
                new() { ["tenant_id"] = tenant.ToString(), ["meter"] = "tokens", ["period"] = current, ["previous_period"] = period },
                cancellationToken,
                period: current);
            waiting.Remove((tenant, period));
        }
    }

    /// <summary>What was told since the last look; at first, all that is kept.</summary>
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var (_, last) = await reader.RangeAsync(Streams.WebhookEvents.Name, cancellationToken);
        if (last <= readThrough)
        {
            return;
        }

        await foreach (var entry in reader.ReadAsync(Streams.WebhookEvents.Name, Subjects.AllWebhookEvents, readThrough + 1, last, cancellationToken))
        {
            if (Subjects.TryParseWebhookEvent(entry.Subject, out var tenant, out _)
                && JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.WebhookEvent) is { Type: WebhookEventTypes.ThresholdReached or WebhookEventTypes.LimitExceeded, Period: { } period })
            {
                waiting.Add((tenant, period));
            }

            readThrough = entry.Sequence;
        }

        readThrough = Math.Max(readThrough, last);
    }
}
