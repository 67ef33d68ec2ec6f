using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Export;

/// <summary>Exports usage, batch after batch, until the process stops.</summary>
internal sealed partial class UsageExportWorker(
    NatsTopology topology, UsageQueue queue, UsageExporter exporter, IOptions<ExportOptions> options, TimeProvider time, ILogger<UsageExportWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                await ExportAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; what was not acknowledged comes again.
        }
    }

    private async Task ExportAsync(CancellationToken stoppingToken)
    {
        try
        {
            await exporter.ExportOnceAsync(stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            // Whatever it is: usage that is not exported now is exported later.
            LogNotTaken(exception);
            queue.Reset();
            await Task.Delay(options.Value.RetryDelay, time, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Usage could not be taken from its stream, or acknowledged; trying again.")]
    private partial void LogNotTaken(Exception exception);
}
