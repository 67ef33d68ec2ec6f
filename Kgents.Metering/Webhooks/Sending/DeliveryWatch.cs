using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;
using NATS.Client.KeyValueStore;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>
/// Keeps the queue of this process as the bucket is, by a watch: each process begins with nothing but what is stored. It begins anew from time to time, so that a watch that has silently stopped
/// delays events and loses none.
/// </summary>
internal sealed partial class DeliveryWatch(NatsTopology topology, DeliveryQueue queue, INatsKVContext keyValue, TimeProvider time, ILogger<DeliveryWatch> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private static readonly NatsKVWatchOpts WatchOptions = new() { IdleHeartbeat = TimeSpan.FromMilliseconds(500) };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await KeepAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this ends.
        }
    }

    private async Task KeepAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            lifetime.CancelAfter(Lifetime);
            try
            {
                await WatchAsync(lifetime.Token);
            }
            catch (OperationCanceledException) when (lifetime.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
            {
                // Its time is over.
                continue;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogInterrupted(exception);
            }

            await Task.Delay(RetryDelay, time, stoppingToken);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var store = await keyValue.GetStoreAsync(Buckets.WebhookDeliveries, cancellationToken);
        await foreach (var entry in store.WatchAsync(NatsRawSerializer<byte[]>.Default, WatchOptions, cancellationToken))
        {
            if (Subjects.TryParseDeliveryKey(entry.Key, out var address))
            {
                queue.Set(address, DueAt(entry), entry.Revision);
            }
        }
    }

    private DateTimeOffset? DueAt(NatsKVEntry<byte[]> entry)
    {
        try
        {
            return entry.Operation == NatsKVOperation.Put ? JsonSerializer.Deserialize(entry.Value, WireJson.Default.WebhookDelivery)!.DueAt : null;
        }
        catch (JsonException exception)
        {
            LogUnreadable(entry.Key, exception);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The watch of webhook deliveries was interrupted; beginning again.")]
    private partial void LogInterrupted(Exception exception);

    [LoggerMessage(LogLevel.Error, "The webhook delivery {Key} cannot be read and is not sent.")]
    private partial void LogUnreadable(string key, Exception exception);
}
