namespace Kgents.Metering.Reconcile;

/// <summary>A group of which a meter of OpenMeter sums something else than the events that OpenMeter shows, or than the ledger has.</summary>
/// <param name="Sum">Of the meter.</param>
/// <param name="Expected">Of the events that OpenMeter shows, where it is their quantity; else of the ledger's.</param>
/// <param name="Mistaken">What sums to as much as the meter does; null when nothing does.</param>
internal sealed record MeterDifference(ReconciledGroup Group, UsageMeter Meter, decimal Sum, decimal Expected, string? Mistaken = null)
{
    /// <summary>Why, as far as the sums tell.</summary>
    public string Cause => Mistaken is not null ? $"it sums as much as {Mistaken} has, and should sum {Meter.Field}"
        : Sum == 0 ? "it counts none of these events"
        : Sum > Expected ? "it counts other events besides, or events twice"
        : "it does not count all of these events";
}
