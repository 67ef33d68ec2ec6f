using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kgents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.KeyValueStore;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// All values of a bucket in this process's memory, kept by watching it: a look-up costs no hop. A watch that has silently stopped would show
/// old values for ever, so this process also writes beats into the bucket; as long as they come back, whatever was written before them is here.
/// </summary>
public sealed partial class BucketView<TValue>(
    BucketDefinition bucket,
    JsonTypeInfo<TValue> json,
    NatsTopology topology,
    NatsRefusals refusals,
    INatsKVContext keyValue,
    IOptions<BucketViewOptions> options,
    TimeProvider time,
    ILogger<BucketView<TValue>> logger) : BackgroundService
    where TValue : class
{
    /// <summary>Keys that begin so are no values.</summary>
    public const char ReservedPrefix = '_';

    /// <summary>Keys for beats. Each process takes one, so that as a rule it is its own, and processes that are gone leave no more than these. Of two that have the same, a beat that the other overwrites is followed by the next.</summary>
    private const int BeatKeys = 256;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly NatsKVWatchOpts WatchOptions = new() { IdleHeartbeat = TimeSpan.FromMilliseconds(500) };

    private readonly string writer = Guid.NewGuid().ToString("n");
    private readonly string beatKey = string.Create(CultureInfo.InvariantCulture, $"{ReservedPrefix}beat.{Random.Shared.Next(BeatKeys)}");
    private readonly ConcurrentDictionary<string, KeyValuePair<string, TValue>> values = new(StringComparer.Ordinal);
    private TaskCompletionSource changed = NewSignal();
    private ulong revision;
    private long seenUpTo;

    /// <summary>False when it is not certain that what was written up to <see cref="BucketViewOptions.MaxAge"/> ago is here: then nothing may be decided by it.</summary>
    public bool IsFresh => Volatile.Read(ref seenUpTo) is not 0 and var beat && time.GetElapsedTime(beat) < options.Value.MaxAge;

    /// <summary>The values by their keys, as of now.</summary>
    public IEnumerable<KeyValuePair<string, TValue>> All => values.Values;

    /// <summary>Null when there is none of this key.</summary>
    public TValue? Find(string key) => FindEntry(key)?.Value;

    /// <summary>The value with the key that is stored, for who compares it himself.</summary>
    public KeyValuePair<string, TValue>? FindEntry(string key) => values.TryGetValue(key, out var entry) ? entry : null;

    /// <summary>Returns when a value that was written at this revision, or one after it, is here.</summary>
    public async Task WhenSeenAsync(ulong written, CancellationToken cancellationToken)
    {
        while (true)
        {
            // The signal before the look, so that no change falls between the two.
            var signal = Volatile.Read(ref changed).Task;
            if (Volatile.Read(ref revision) >= written)
            {
                return;
            }

            await signal.WaitAsync(cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await Task.WhenAll(KeepAsync(WatchAsync, stoppingToken), KeepAsync(BeatAsync, stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this ends.
        }
    }

    /// <summary>Begins again, after any fault, for as long as the process lives.</summary>
    private async Task KeepAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await work(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!refusals.Explain(exception))
                {
                    LogInterrupted(bucket.Name, exception);
                }
            }

            await Task.Delay(RetryDelay, time, stoppingToken);
        }
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        var store = await keyValue.GetStoreAsync(bucket.Name, stoppingToken);
        await foreach (var entry in store.WatchAsync(NatsRawSerializer<byte[]>.Default, WatchOptions, stoppingToken))
        {
            if (entry.Key == beatKey)
            {
                TakeBeat(entry.Value);
            }
            else if (entry.Key[0] != ReservedPrefix)
            {
                Take(entry);
            }

            Volatile.Write(ref revision, entry.Revision);
            Interlocked.Exchange(ref changed, NewSignal()).TrySetResult();
        }
    }

    private void Take(NatsKVEntry<byte[]> entry)
    {
        if (entry.Operation != NatsKVOperation.Put)
        {
            values.TryRemove(entry.Key, out _);
            return;
        }

        try
        {
            values[entry.Key] = new(entry.Key, JsonSerializer.Deserialize(entry.Value, json)!);
        }
        catch (JsonException exception)
        {
            // What nobody can read grants nothing.
            values.TryRemove(entry.Key, out _);
            LogUnreadable(entry.Key, bucket.Name, exception);
        }
    }

    private void TakeBeat(byte[]? payload)
    {
        var beat = Encoding.UTF8.GetString(payload ?? []).Split(':');
        if (beat is [var from, var at] && from == writer && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var timestamp))
        {
            Volatile.Write(ref seenUpTo, timestamp);
        }
    }

    private async Task BeatAsync(CancellationToken stoppingToken)
    {
        var store = await keyValue.GetStoreAsync(bucket.Name, stoppingToken);
        using var timer = new PeriodicTimer(options.Value.BeatInterval, time);
        do
        {
            // The time before it is written: all that was written until then comes before it.
            var beat = string.Create(CultureInfo.InvariantCulture, $"{writer}:{time.GetTimestamp()}");
            await store.PutAsync(beatKey, Encoding.UTF8.GetBytes(beat), NatsRawSerializer<byte[]>.Default, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(LogLevel.Warning, "The view of {Bucket} was interrupted; beginning again.")]
    private partial void LogInterrupted(string bucket, Exception exception);

    [LoggerMessage(LogLevel.Error, "The value of {Key} in {Bucket} cannot be read: it counts as missing.")]
    private partial void LogUnreadable(string key, string bucket, Exception exception);
}
