using Microsoft.Extensions.Options;
using NATS.Client.JetStream;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Kgents.Metering.Export;

/// <summary>Takes a batch, sends the same bytes until OpenMeter has taken them, and only then acknowledges them.</summary>
internal sealed partial class UsageExporter(UsageQueue queue, OpenMeterClient openMeter, ExportHealth health, IOptions<ExportOptions> options, TimeProvider time, ILogger<UsageExporter> logger)
{
    public async Task ExportOnceAsync(CancellationToken cancellationToken)
    {
        var batch = await queue.TakeAsync(cancellationToken);
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            await SendAsync(batch, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await queue.GiveBackAsync(batch);
            throw;
        }

        // A crash here sends the batch again after a restart, with the same ids: an OpenMeter that deduplicates drops it, one that does not counts
        // it twice. Its default is not to.
        foreach (var message in batch)
        {
            await message.AckAsync(new AckOpts { DoubleAck = true }, cancellationToken);
        }

        LogExported(batch.Count);
    }

    private async Task SendAsync(IReadOnlyList<INatsJSMsg<byte[]>> batch, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>[] events = [.. batch.Select(message => (ReadOnlyMemory<byte>)message.Data)];
        for (var delay = options.Value.RetryDelay; ; delay = Min(delay * 2, options.Value.LongestRetryDelay))
        {
            var (refusal, retryAfter) = await TrySendAsync(events, cancellationToken);
            health.Report(refusal);
            if (refusal is null)
            {
                return;
            }

            // Full jitter: replicas that failed together do not come back together.
            var pause = retryAfter is { } asked ? Max(asked, options.Value.RetryDelay) : delay * Random.Shared.NextDouble();
            LogRefused(batch.Count, refusal, pause);
            await WaitAsync(batch, pause, cancellationToken);
        }
    }

    private async Task<(string? Refusal, TimeSpan? RetryAfter)> TrySendAsync(ReadOnlyMemory<byte>[] events, CancellationToken cancellationToken)
    {
        try
        {
            return await openMeter.SendAsync(events, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or BrokenCircuitException or TimeoutRejectedException)
        {
            return ($"no answer ({exception.GetType().Name})", null);
        }
    }

    /// <summary>Waits, and tells the server that the batch is still held, so that it is not given to another replica meanwhile.</summary>
    private async Task WaitAsync(IReadOnlyList<INatsJSMsg<byte[]>> batch, TimeSpan pause, CancellationToken cancellationToken)
    {
        await Task.Delay(Min(pause, options.Value.LongestRetryDelay), time, cancellationToken);
        foreach (var message in batch)
        {
            await message.AckProgressAsync(cancellationToken: cancellationToken);
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    [LoggerMessage(LogLevel.Debug, "OpenMeter took {Count} usage events.")]
    private partial void LogExported(int count);

    [LoggerMessage(LogLevel.Warning, "OpenMeter did not take {Count} usage events: {Refusal}. They stay in the stream; trying again in {Pause}.")]
    private partial void LogRefused(int count, string refusal, TimeSpan pause);
}
