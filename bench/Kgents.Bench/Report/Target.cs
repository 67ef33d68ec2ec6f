using System.Globalization;

namespace Kgents.Bench.Report;

/// <summary>What a figure is to reach: a limit of its ratio to the floor, or of the value itself.</summary>
internal sealed record Target(string Text, double Limit, bool OfRatio, bool AtLeast)
{
    public static Target AtMostTimes(double limit) => new($"at most {Number(limit)}x", limit, OfRatio: true, AtLeast: false);

    public static Target AtLeastTimes(double limit) => new($"at least {Number(limit)}x", limit, OfRatio: true, AtLeast: true);

    public static Target Below(double limit, string unit) => new($"under {Number(limit)} {unit}", limit, OfRatio: false, AtLeast: false);

    public bool IsReached(double measured, double? ratio) => (OfRatio ? ratio!.Value : measured) is var value && (AtLeast ? value >= Limit : value <= Limit);

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
