using Kgents.Metering.Lease;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering;

/// <summary>Meters each partition whose lease it gets, until the process stops.</summary>
internal sealed partial class MeteringWorker(
    NatsTopology topology,
    NatsRefusals refusals,
    MeteringSessions sessions,
    JetStreamReader reader,
    FencedPublisher publisher,
    MeteringHealth health,
    IOptions<LedgerOptions> options,
    IOptions<NatsTopologyOptions> streams,
    TimeProvider time,
    ILogger<MeteringWorker> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await Task.WhenAll(Enumerable.Range(0, streams.Value.Partitions).Select(partition => MeterAsync(partition, stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; the ledger knows how far it came.
        }
    }

    private async Task MeterAsync(int partition, CancellationToken stoppingToken)
    {
        var lease = new PartitionLease(partition, reader, publisher, options, time);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await lease.AcquireAsync(stoppingToken);
                LogLeased(partition);
                await HoldAsync(partition, lease, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is: usage that is not metered now is metered later.
                if (!refusals.Explain(exception))
                {
                    LogFailed(partition, exception);
                }

                await Task.Delay(RetryDelay, time, stoppingToken);
            }
        }
    }

    /// <summary>Works until the lease is lost; a fence that is lost is read again under the same lease.</summary>
    private async Task HoldAsync(int partition, PartitionLease lease, CancellationToken stoppingToken)
    {
        // Kept until the work has ended, also while the process stops.
        using var lost = new CancellationTokenSource();
        using var ended = new CancellationTokenSource();
        var keeping = KeepAsync(lease, lost, ended.Token);
        try
        {
            while (!stoppingToken.IsCancellationRequested && lease.IsHeld)
            {
                await RunAsync(partition, lease, stoppingToken, lost.Token);
            }
        }
        finally
        {
            await ended.CancelAsync();
            await keeping;
            await ReleaseAsync(lease);
        }
    }

    private async Task RunAsync(int partition, PartitionLease lease, CancellationToken stoppingToken, CancellationToken lost)
    {
        try
        {
            await sessions.Create(partition, lease).RunAsync(stoppingToken, lost);
        }
        catch (LedgerFenceLostException)
        {
            LogFenceLost(partition);
        }
        catch (LedgerBrokenException exception)
        {
            health.Report(MeteringSession.Broken, partition, exception.Message);
            throw;
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
        {
            LogLeaseLost(partition);
        }

        // Who works on it from here on finds out anew what is wrong.
        health.Forget(partition);
    }

    private static async Task KeepAsync(PartitionLease lease, CancellationTokenSource lost, CancellationToken ended)
    {
        try
        {
            await lease.KeepAsync(ended);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The work has ended, and the lease with it.
            return;
        }
        finally
        {
            await lost.CancelAsync();
        }
    }

    private async Task ReleaseAsync(PartitionLease lease)
    {
        using var timeout = new CancellationTokenSource(ReleaseTimeout, time);
        try
        {
            await lease.ReleaseAsync(timeout.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || NatsFaults.IsPassing(exception, CancellationToken.None))
        {
            // It runs out by itself.
        }
    }

    [LoggerMessage(LogLevel.Information, "This replica meters the usage of partition {Partition}.")]
    private partial void LogLeased(int partition);

    [LoggerMessage(LogLevel.Information, "Somebody else wrote to the ledger of partition {Partition}: reading it again.")]
    private partial void LogFenceLost(int partition);

    [LoggerMessage(LogLevel.Warning, "The lease of partition {Partition} is lost: another replica may meter it.")]
    private partial void LogLeaseLost(int partition);

    [LoggerMessage(LogLevel.Error, "Usage of partition {Partition} is not metered for now; trying again.")]
    private partial void LogFailed(int partition, Exception exception);
}
