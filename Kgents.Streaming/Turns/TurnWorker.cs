using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Turns;

/// <summary>Runs turns, as many at once as there are slots, until the process is told to stop; then lets the running ones end for a while.</summary>
internal sealed class TurnWorker(NatsTopology topology, TurnQueue queue, TurnProcessor processor, IOptions<TurnOptions> options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var abandon = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var drain = stoppingToken.Register(() => abandon.CancelAfter(options.Value.DrainTimeout));
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);

            // Each slot takes its next message only when it is free; the end of the queue, at shutdown, lets the running turns end.
            await Parallel.ForEachAsync(
                queue.PullAsync(stoppingToken),
                new ParallelOptions { MaxDegreeOfParallelism = options.Value.Slots, CancellationToken = CancellationToken.None },
                async (message, _) => await processor.ProcessAsync(message, abandon.Token));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown before the streams were there.
        }
    }
}
