using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Api.Keys;

/// <summary>
/// Notes when keys are used, at most once a minute for each, off the way of the request. What is lost with the process is at most a minute of that.
/// </summary>
internal sealed partial class KeyUse(INatsJSContext jetStream, JetStreamReader reader, TimeProvider time, ILogger<KeyUse> logger) : BackgroundService
{
    private const int Waiting = 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.ApiKeys);

    private readonly ConcurrentDictionary<string, DateTimeOffset> noted = new(StringComparer.Ordinal);

    // When it is full, a use is not noted now; the next one may be.
    private readonly Channel<string> waiting = Channel.CreateBounded<string>(new BoundedChannelOptions(Waiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>A key that is known was used now.</summary>
    public void Note(string hash)
    {
        var now = time.GetUtcNow();
        if (noted.TryGetValue(hash, out var before) && now - before < Interval)
        {
            return;
        }

        noted[hash] = now;
        waiting.Writer.TryWrite(hash);
    }

    /// <summary>When a key was last used, to the minute; null when it never was.</summary>
    public async Task<DateTimeOffset?> LastAsync(ApiKeyId key, CancellationToken cancellationToken) =>
        await reader.LastAsync(Stream, KeyOf(key), cancellationToken) is { } entry
            && DateTimeOffset.TryParse(Encoding.UTF8.GetString(entry.Data.Span), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var hash in waiting.Reader.ReadAllAsync(stoppingToken))
            {
                await StoreAsync(ApiKeyId.OfHash(hash), noted[hash], stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
    }

    private async Task StoreAsync(ApiKeyId key, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            var ack = await jetStream.PublishAsync(KeyOf(key), Encoding.UTF8.GetBytes(at.ToString("O", CultureInfo.InvariantCulture)), NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
            ack.EnsureSuccess();
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogNotNoted(exception.GetType().Name);
        }
    }

    private static string KeyOf(ApiKeyId key) => Subjects.KeyValue(Buckets.ApiKeys, $"{BucketView<ApiKeyRecord>.ReservedPrefix}used.{key}");

    [LoggerMessage(LogLevel.Debug, "The use of a key was not noted ({Reason}).")]
    private partial void LogNotNoted(string reason);
}
