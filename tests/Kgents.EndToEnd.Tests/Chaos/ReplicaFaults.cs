namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Kills, stops, freezes and starts one process again and again, by a plan of its own and whatever others do. First it is killed, so that a short run has all of that; when it is over it runs.</summary>
/// <param name="calm">The most seconds between two acts.</param>
/// <param name="frozen">How often it is only stopped for a while: longer than others wait for it, so that it comes back to work that is not its own any more.</param>
internal sealed class ReplicaFaults(Replica replica, Random random, double calm, double frozen, FaultCounts counts)
{
    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        for (var act = 0; await Draws.PassAsync(random.Between(3, calm), over); act++)
        {
            if (act > 0 && random.Chance(frozen))
            {
                counts.Add($"{replica.Project} frozen");
                var from = TimeProvider.System.GetUtcNow();
                replica.Process.Pause();
                await Draws.PassAsync(random.Between(2, 6), over);
                replica.Process.Resume();
                counts.AddFrozen(replica.Project, from, TimeProvider.System.GetUtcNow());
                continue;
            }

            if (act > 0 && random.Chance(0.25))
            {
                counts.Add($"{replica.Project} told to stop");
                await replica.Process.TerminateAsync(cancellationToken);
            }
            else
            {
                counts.Add($"{replica.Project} killed");
                await replica.Process.KillAsync(cancellationToken);
            }

            await Draws.PassAsync(random.Between(0, 1.5), over);
            await replica.StartAsync(cancellationToken);
        }
    }
}
