namespace Kgents.Bench.Report;

/// <summary>A measured value beside its floor: what the same machine does in the same run without Kgents.</summary>
/// <param name="Floor">Null where there is none.</param>
/// <param name="Detail">What else the run showed, by name.</param>
internal sealed record Figure(string Name, string Unit, double Measured, double? Floor, Target? Target, IReadOnlyDictionary<string, double> Detail)
{
    public double? Ratio => Floor is { } floor ? Measured / floor : null;

    public bool? Reached => Target?.IsReached(Measured, Ratio);
}
