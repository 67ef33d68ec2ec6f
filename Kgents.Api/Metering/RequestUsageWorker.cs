using System.Collections.Concurrent;
using System.Globalization;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Api.Metering;

/// <summary>
/// Records counted requests as usage, beside the requests themselves. While NATS refuses, the events that were made wait with their bytes and their ids, and what is counted meanwhile
/// adds up in memory. A process that dies takes both with it: no request is charged twice, and those of its last <see cref="RequestMeteringOptions.Interval"/> may not be charged.
/// </summary>
internal sealed partial class RequestUsageWorker(
    NatsTopology topology, RequestCounts counts, INatsJSContext jetStream, IOptions<RequestMeteringOptions> options, TimeProvider time, ILogger<RequestUsageWorker> logger) : BackgroundService
{
    private const int AtOnce = 16;

    /// <summary>When the process stops. Requests have ended by then.</summary>
    private static readonly TimeSpan LastTry = TimeSpan.FromSeconds(3);

    private readonly string process = Guid.NewGuid().ToString("n");
    private IReadOnlyList<RequestUsage> waiting = [];
    private long made;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LastTry);
        try
        {
            // Once for what was under way, and once for what was counted since.
            await RecordAsync(limit.Token);
            await RecordAsync(limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || limit.IsCancellationRequested)
        {
            // Time is up, which the client may tell as a fault of its own. What is lost is said below.
        }

        var (left, notCounted) = counts.Take();
        var requests = left.Values.Sum(count => count.Requests) + notCounted;
        if (waiting.Count > 0 || requests > 0)
        {
            LogLost(waiting.Count, requests);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Interval, time);
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await RecordAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; StopAsync records the rest.
        }
    }

    /// <summary>One try for each event: those that wait, or else what was counted since.</summary>
    private async Task RecordAsync(CancellationToken cancellationToken)
    {
        if (waiting.Count == 0)
        {
            var (taken, notCounted) = counts.Take();
            waiting = [.. taken.Select(each => RequestUsage.Create(each.Key, each.Value, string.Create(CultureInfo.InvariantCulture, $"{process}-{++made}")))];
            if (notCounted > 0)
            {
                LogNotCounted(notCounted, options.Value.MaxCounts);
            }
        }

        // Those that are not tried any more, because the process stops, wait too.
        var left = new ConcurrentDictionary<RequestUsage, string>(waiting.Select(usage => KeyValuePair.Create(usage, "stopping")));
        try
        {
            await Parallel.ForEachAsync(waiting, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (usage, token) =>
            {
                if (await TryStoreAsync(usage, token) is { } problem)
                {
                    left[usage] = problem;
                }
                else
                {
                    left.TryRemove(usage, out _);
                }
            });
        }
        finally
        {
            waiting = [.. left.Keys];
        }

        if (waiting.Count > 0)
        {
            LogNotStored(waiting.Count, left.Values.First());
        }
    }

    /// <summary>Null when it is stored. One whose ack was lost is stored once all the same: by its id in the duplicate window, and by the ledger after it.</summary>
    private async Task<string?> TryStoreAsync(RequestUsage usage, CancellationToken cancellationToken)
    {
        try
        {
            var ack = await jetStream.PublishAsync(
                usage.Subject, usage.Json, NatsRawSerializer<byte[]>.Default, new NatsJSPubOpts { MsgId = usage.Id, RetryAttempts = 1 }, cancellationToken: cancellationToken);

            // A duplicate with sequence 0 is one that the server knows and does not have: not stored.
            return ack is { Error: null, Seq: > 0 } ? null : ack.Error?.Description ?? "duplicate that is not stored";
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            return exception.GetType().Name;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} usage events of requests are not stored yet ({Reason}); they are tried again.")]
    private partial void LogNotStored(int count, string reason);

    [LoggerMessage(LogLevel.Error, "{Requests} requests were not counted as usage: more than Usage:Requests:MaxCounts ({Most}) keys and operations waited to be recorded.")]
    private partial void LogNotCounted(long requests, int most);

    [LoggerMessage(LogLevel.Error, "{Count} usage events of requests, and {Requests} requests that were in none yet, could not be recorded before the process stopped: these requests are not charged.")]
    private partial void LogLost(int count, long requests);
}
