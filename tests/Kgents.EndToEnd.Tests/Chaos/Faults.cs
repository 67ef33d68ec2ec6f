using System.Collections.Concurrent;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Kills, stops and starts processes, each on a plan of its own and whatever the others do; first each is killed, so that a short run has all of
/// that. When the time is over, all of them run.
/// </summary>
internal sealed class Faults(ChaosSystem system, ChaosSettings settings)
{
    private readonly ConcurrentDictionary<string, int> counts = new();

    /// <summary>How often what was done.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(settings.Time);
        await Task.WhenAll(
        [
            TormentNatsAsync(settings.RandomOf("nats"), over.Token, cancellationToken),
            .. system.Apis.Select((api, i) => TormentAsync(api, settings.RandomOf($"api {i}"), frozen: 0.1, over.Token, cancellationToken)),
            .. system.Workers.Select((worker, i) => TormentAsync(worker, settings.RandomOf($"worker {i}"), frozen: 0.35, over.Token, cancellationToken)),
        ]);
    }

    private async Task TormentNatsAsync(Random random, CancellationToken over, CancellationToken cancellationToken)
    {
        for (var act = 0; await Draws.PassAsync(random.Between(4, 12), over); act++)
        {
            if (act > 0 && random.Chance(0.3))
            {
                // Connections stay open and nobody answers: what was asked may have been done.
                Count("nats-server frozen");
                system.Nats.Server.Pause();
                await Draws.PassAsync(random.Between(0.2, 4), over);
                system.Nats.Server.Resume();
                continue;
            }

            Count("nats-server killed");
            await system.Nats.Server.KillAsync(cancellationToken);
            await Draws.PassAsync(random.Between(0, 2), over);
            await system.Nats.Server.RestartAsync(cancellationToken);
        }
    }

    /// <param name="frozen">How often it is only stopped for a while: longer than others wait for it, so that it comes back to work that is not its own any more.</param>
    private async Task TormentAsync(Replica replica, Random random, double frozen, CancellationToken over, CancellationToken cancellationToken)
    {
        for (var act = 0; await Draws.PassAsync(random.Between(3, 12), over); act++)
        {
            if (act > 0 && random.Chance(frozen))
            {
                Count($"{replica.Project} frozen");
                replica.Process.Pause();
                await Draws.PassAsync(random.Between(2, 6), over);
                replica.Process.Resume();
                continue;
            }

            if (act > 0 && random.Chance(0.25))
            {
                Count($"{replica.Project} told to stop");
                await replica.Process.TerminateAsync(cancellationToken);
            }
            else
            {
                Count($"{replica.Project} killed");
                await replica.Process.KillAsync(cancellationToken);
            }

            await Draws.PassAsync(random.Between(0, 1.5), over);
            await replica.StartAsync(cancellationToken);
        }
    }

    private void Count(string what) => counts.AddOrUpdate(what, 1, (_, count) => count + 1);
}
