using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Kills metering, and has OpenMeter do what it does not do to single requests: it is silent, shows nothing, shows late, takes no large bodies, loses what is old, takes ids for known, and loses what it has shown. All of that
/// ends before an event could look as if it was not there for longer than OpenMeter takes: what is beyond that, no sender can know.
/// </summary>
internal sealed class MeteringFaults(ChaosSystem system, ChaosSettings settings, FaultCounts counts)
{
    private const int LostAtOnce = 2;

    private readonly Random random = settings.RandomOf("OpenMeter's acts");
    private int lostShown;

    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        await Task.WhenAll(
        [
            TormentOpenMeterAsync(system.OpenMeter, over),

            // With room for what it waits for: an event that stays away goes again only where one replica has looked for it all the while.
            .. system.Meters.Select((meter, i) => new ReplicaFaults(meter, settings.RandomOf($"metering {i}"), calm: 20, frozen: 0.2, counts).RunAsync(over, cancellationToken)),
        ]);
        await LoseSomeAsync(cancellationToken);
        counts.Add("requests that OpenMeter spoilt", system.OpenMeterFaults.Faults);
        counts.Add("requests to OpenMeter", system.OpenMeterFaults.Requests);
        counts.Add("events that OpenMeter lost", system.OpenMeter.Lost);
        counts.Add("events that OpenMeter doubled", system.OpenMeterFaults.Doubled.Count);
        system.MendOpenMeter();
    }

    private async Task TormentOpenMeterAsync(OpenMeterStandIn openMeter, CancellationToken over)
    {
        (string What, Action Begin, Action End)[] acts =
        [
            ("OpenMeter silent", () => openMeter.Hang = true, () => openMeter.Hang = false),
            ("OpenMeter shows nothing", () => openMeter.FailReads(503, random.Next(1, 30)), () => { }),
            ("OpenMeter shows late", () => openMeter.VisibleAfter = TimeSpan.FromSeconds(2), () => openMeter.VisibleAfter = TimeSpan.FromSeconds(0.5)),
            ("OpenMeter takes no large body", () => openMeter.LargestBody = 4_000, () => openMeter.LargestBody = null),
            ("OpenMeter takes a batch for known and loses it", () => openMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed)), () => { }),
            ("OpenMeter loses what it has shown", LoseShown, () => { }),
            ("OpenMeter loses what is old", () => openMeter.OldestTime = TimeSpan.FromSeconds(1), () => openMeter.OldestTime = null),
        ];
        for (var act = 0; await Draws.PassAsync(random.Between(1, 6), over); act++)
        {
            // First each of them.
            var (what, begin, end) = act < acts.Length ? acts[act] : random.OneOf(acts);
            counts.Add(what);
            begin();
            await Draws.PassAsync(random.Between(0.5, 2.5), over);
            end();
        }
    }

    /// <summary>When that act came too early, or not at all, or too little was sent for an id that is taken for known: talk goes on until this ends.</summary>
    private async Task LoseSomeAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ChaosSettings.Settling);
        while ((lostShown == 0 || !system.OpenMeterFaults.HasClaimed) && await Draws.PassAsync(TimeSpan.FromSeconds(0.2), limit.Token))
        {
            if (lostShown == 0)
            {
                LoseShown();
            }
        }
    }

    private void LoseShown()
    {
        var lost = system.LoseShown(random, LostAtOnce);
        lostShown += lost;
        counts.Add("events that OpenMeter lost after it had shown them", lost);
    }
}
