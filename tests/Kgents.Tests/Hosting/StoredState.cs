using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Hosting;

/// <summary>All that a request can have stored, to see that one that was refused has stored nothing.</summary>
internal static class StoredState
{
    private static readonly string[] Written =
    [
        Streams.Messages.Name, Streams.Tokens.Name, Streams.DayCounts.Name, Streams.WebhookEvents.Name,
        .. new[] { Buckets.SessionRecords, Buckets.SessionDetailRecords, Buckets.DeletionOrders, Buckets.CancelMarks, Buckets.IdempotencyRecords, Buckets.QuotaRecords, Buckets.OpenStreamsRecords, Buckets.RequestRateRecords, Buckets.WebhookRecords, Buckets.WebhookDeliveryRecords, Buckets.AgenteseRecords }.Select(bucket => Subjects.KeyValueStream(bucket.Name)),
    ];

    /// <summary>Of streams their last sequences; of tenants and keys what they are, since beats and uses are written to their buckets all the time.</summary>
    public static async Task<string> ReadAsync(KgentsHost host)
    {
        var lines = new List<string>();
        foreach (var stream in Written)
        {
            lines.Add($"{stream} {(await host.Reader.RangeAsync(stream, TestContext.Current.CancellationToken)).Last}");
        }

        lines.AddRange(host.Services.GetRequiredService<BucketView<TenantRecord>>().All.Select(tenant => JsonSerializer.Serialize(tenant.Value, WireJson.Default.TenantRecord)).Order(StringComparer.Ordinal));
        lines.AddRange(host.Services.GetRequiredService<BucketView<ApiKeyRecord>>().All.Select(key => $"{key.Key} {JsonSerializer.Serialize(key.Value, WireJson.Default.ApiKeyRecord)}").Order(StringComparer.Ordinal));
        return string.Join('\n', lines);
    }
}
