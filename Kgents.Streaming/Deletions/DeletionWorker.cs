using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Deletions;

/// <summary>Looks for sessions to delete for as long as the process lives. Every worker does, and they may do so at once.</summary>
internal sealed partial class DeletionWorker(
    NatsTopology topology, DeletionOrders orders, SessionDeleter deleter, IOptions<DeletionOptions> options, TimeProvider time, ILogger<DeletionWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Interval, time);
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await LookOnceAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; the orders are still there.
        }
    }

    private async Task LookOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var order in orders.ListAsync(cancellationToken))
            {
                await TryCarryOutAsync(order, cancellationToken);
            }
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogNotRead(exception.GetType().Name);
        }
    }

    /// <summary>An order that fails keeps no other from being carried out.</summary>
    private async Task TryCarryOutAsync(StoredOrder order, CancellationToken cancellationToken)
    {
        try
        {
            await deleter.CarryOutAsync(order, cancellationToken);
        }
        catch (FenceLostException exception)
        {
            // A worker is at a turn of the session just now; the next look finds what it has made of it.
            LogWaits(order.Session, exception.Message);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(order.Session, exception);
        }
    }

    [LoggerMessage(LogLevel.Debug, "The sessions to delete could not be read ({Reason}); trying again.")]
    private partial void LogNotRead(string reason);

    [LoggerMessage(LogLevel.Information, "Session {Session} is not deleted yet: {Reason}")]
    private partial void LogWaits(SessionId session, string reason);

    [LoggerMessage(LogLevel.Error, "Session {Session} is not deleted yet; trying again.")]
    private partial void LogFailed(SessionId session, Exception exception);
}
