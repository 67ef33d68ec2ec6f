namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Kills, stops and starts processes, each on a plan of its own and whatever the others do; first each is killed, so that a short run has all of
/// that. When it is over, all of them run.
/// </summary>
internal sealed class Faults(ChaosSystem system, ChaosSettings settings, FaultCounts counts)
{
    public Task RunAsync(CancellationToken over, CancellationToken cancellationToken) => Task.WhenAll(
    [
        TormentNatsAsync(settings.RandomOf("nats"), over, cancellationToken),
        new MeteringFaults(system, settings, counts).RunAsync(over, cancellationToken),
        .. system.Apis.Select((api, i) => new ReplicaFaults(api, settings.RandomOf($"api {i}"), calm: 12, frozen: 0.1, counts).RunAsync(over, cancellationToken)),
        .. system.Workers.Select((worker, i) => new ReplicaFaults(worker, settings.RandomOf($"worker {i}"), calm: 12, frozen: 0.35, counts).RunAsync(over, cancellationToken)),
    ]);

    private async Task TormentNatsAsync(Random random, CancellationToken over, CancellationToken cancellationToken)
    {
        for (var act = 0; await Draws.PassAsync(random.Between(4, 12), over); act++)
        {
            if (act > 0 && random.Chance(0.3))
            {
                // Connections stay open and nobody answers: what was asked may have been done.
                counts.Add("nats-server frozen");
                system.Nats.Server.Pause();
                await Draws.PassAsync(random.Between(0.2, 4), over);
                system.Nats.Server.Resume();
                continue;
            }

            counts.Add("nats-server killed");
            await system.Nats.Server.KillAsync(cancellationToken);
            await Draws.PassAsync(random.Between(0, 2), over);
            await system.Nats.Server.RestartAsync(cancellationToken);
        }
    }
}
