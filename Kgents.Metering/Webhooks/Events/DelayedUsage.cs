using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Webhooks;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Tells tenants whose usage OpenMeter has not shown for long, each once for a day of usage. Whatever goes wrong here, usage is metered.</summary>
internal sealed partial class DelayedUsage(
    WebhookEvents events, WebhookStore webhooks, JetStreamReader reader, IOptions<WebhookDeliveryOptions> options, TimeProvider time, ILogger<DelayedUsage> logger)
{
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);

    /// <summary>Settled events of a tenant that are looked at to find one that is not.</summary>
    private const int MostLookedAt = 100;

    private readonly Dictionary<int, long> lastLooks = [];

    /// <param name="oldest">The oldest usage event of the partition that is not settled.</param>
    public async Task TellAsync(LedgerState state, int partition, (ulong Sequence, DateTimeOffset Time) oldest, CancellationToken cancellationToken)
    {
        var after = options.Value.DelayedAfter;
        var interval = after < LongestInterval ? after : LongestInterval;
        if (time.GetUtcNow() - oldest.Time < after || (lastLooks.TryGetValue(partition, out var last) && time.GetElapsedTime(last) < interval))
        {
            return;
        }

        lastLooks[partition] = time.GetTimestamp();

        // A store of events that is full or gone must not hold up who meters.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LongestLook);
        try
        {
            foreach (var tenant in await webhooks.TenantsToldOfAsync(WebhookEventTypes.DeliveryDelayed, limit.Token))
            {
                if (await FindAsync(state, partition, tenant, oldest.Sequence, limit.Token) is { } delayed && time.GetUtcNow() - delayed.Time >= after)
                {
                    await TellAsync(tenant, partition, delayed.Time, limit.Token);
                }
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotTold(partition, exception);
        }
    }

    private Task<bool> TellAsync(TenantId tenant, int partition, DateTimeOffset since, CancellationToken cancellationToken) => events.PublishAsync(
        tenant,
        WebhookEventId.Of("delayed", tenant.ToString(), partition.ToString(CultureInfo.InvariantCulture), since.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        WebhookEventTypes.DeliveryDelayed,
        new() { ["tenant_id"] = tenant.ToString(), ["since"] = since },
        cancellationToken);

    /// <summary>The tenant's oldest usage event that is not settled.</summary>
    private async Task<StoredEntry?> FindAsync(LedgerState state, int partition, TenantId tenant, ulong from, CancellationToken cancellationToken)
    {
        for (var n = 0; n < MostLookedAt && await reader.NextAsync(Streams.Usage.Name, Subjects.PartitionUsage(tenant, partition), from, cancellationToken) is { } entry; n++)
        {
            if (entry.Sequence > state.SentThrough ? !state.Quarantined.Contains(entry.Sequence) : state.Unsettled.ContainsKey(entry.Sequence))
            {
                return entry;
            }

            from = entry.Sequence + 1;
        }

        return null;
    }

    [LoggerMessage(LogLevel.Warning, "Tenants could not be told that usage of partition {Partition} is delayed; trying again.")]
    private partial void LogNotTold(int partition, Exception exception);
}
