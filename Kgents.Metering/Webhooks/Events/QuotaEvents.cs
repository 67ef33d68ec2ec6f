using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;
using NATS.Client.JetStream;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>
/// Tells of thresholds and of the limit of a tenant's month, each once, by what the record of its quota says: the very number that refuses messages, with what has ended and without what is only held.
/// Of thresholds that are passed at once only the highest is told, and none below one that was told.
/// </summary>
internal sealed class QuotaEvents(WebhookEvents events)
{
    private static readonly int[] Percents = [50, 75, 90, 100];

    /// <summary>From there on a refusal means that the month is as good as used up; below it, that one message asked for much.</summary>
    private const int NearlyAll = 90;

    private readonly Dictionary<TenantId, Told> told = [];

    public async Task<bool> HandleAsync(INatsJSMsg<byte[]> message, CancellationToken cancellationToken)
    {
        if (message.Data is not { Length: > 0 } data)
        {
            return true;
        }

        if (!Subjects.TryParseTenant(message.Subject, out var tenant) || Read(data) is not { } quota)
        {
            return false;
        }

        if (quota.Limit > 0)
        {
            await TellAsync(tenant, quota, message.Metadata?.Timestamp, cancellationToken);
        }

        return true;
    }

    private async Task TellAsync(TenantId tenant, QuotaRecord quota, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        var known = told.GetValueOrDefault(tenant);
        if (known.Period != quota.Period || known.Limit != quota.Limit)
        {
            known = new Told(quota.Period, quota.Limit, 0, false);
        }

        var highest = Percents.LastOrDefault(percent => IsReached(quota, percent));
        if (highest > known.Percent)
        {
            await TellThresholdAsync(tenant, quota, highest, at, cancellationToken);
            known = known with { Percent = highest };
        }

        if (!known.IsExceeded && (IsReached(quota, 100) || (quota.RefusedAt is not null && IsReached(quota, NearlyAll))))
        {
            await events.PublishAsync(
                tenant, IdOf("exceeded", tenant, quota), WebhookEventTypes.LimitExceeded, Usage(tenant, quota), cancellationToken, period: quota.Period, at: at);
            known = known with { IsExceeded = true };
        }

        told[tenant] = known;
    }

    /// <summary>Unless it, or a higher one, was told before this process began.</summary>
    private async Task TellThresholdAsync(TenantId tenant, QuotaRecord quota, int percent, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        foreach (var higher in Percents.Where(each => each > percent))
        {
            if (await events.HasAsync(tenant, IdOf(Text(higher), tenant, quota), cancellationToken))
            {
                return;
            }
        }

        var data = Usage(tenant, quota);
        data["threshold"] = percent;
        await events.PublishAsync(tenant, IdOf(Text(percent), tenant, quota), WebhookEventTypes.ThresholdReached, data, cancellationToken, period: quota.Period, at: at);
    }

    private static bool IsReached(QuotaRecord quota, int percent) => quota.Settled >= quota.Limit * (percent / 100m);

    /// <summary>By the limit, too: whoever gets a larger plan is told of it anew.</summary>
    private static WebhookEventId IdOf(string rule, TenantId tenant, QuotaRecord quota) => WebhookEventId.Of("tokens", rule, tenant.ToString(), quota.Period, Text(quota.Limit));

    private static JsonObject Usage(TenantId tenant, QuotaRecord quota) => new()
    {
        ["tenant_id"] = tenant.ToString(),
        ["meter"] = "tokens",
        ["period"] = quota.Period,
        ["usage"] = quota.Settled,
        ["limit"] = quota.Limit,
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static QuotaRecord? Read(byte[] data)
    {
        try
        {
            return JsonSerializer.Deserialize(data, WireJson.Default.QuotaRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What this process knows to be told of a tenant's month.</summary>
    private readonly record struct Told(string Period, long Limit, int Percent, bool IsExceeded);
}
