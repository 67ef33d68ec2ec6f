using System.Globalization;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What a run is made of. The same seed gives the same plan to every actor; what meets what is up to the machine.</summary>
/// <param name="Time">How long processes die; after that the system has until its end to become whole.</param>
internal sealed record ChaosSettings(int Seed, TimeSpan Time)
{
    private const string SeedVariable = "KGENTS_CHAOS_SEED";
    private const string TimeVariable = "KGENTS_CHAOS_TIME";

    /// <summary>How long after the last fault everything must have come to its end. Nothing is decided by it: it only ends a run that hangs.</summary>
    public static TimeSpan Settling { get; } = TimeSpan.FromMinutes(3);

    public int Sessions { get; init; } = 12;

    public static ChaosSettings FromEnvironment() => new(
        Read(SeedVariable) is { } seed ? int.Parse(seed, NumberStyles.None, CultureInfo.InvariantCulture) : Random.Shared.Next(1, 1_000_000),
        Read(TimeVariable) is { } time ? TimeSpan.Parse(time, CultureInfo.InvariantCulture) : TimeSpan.FromSeconds(45));

    /// <summary>The numbers of one actor, whatever the others draw.</summary>
    public Random RandomOf(string actor) => new(actor.Aggregate(Seed, (sum, letter) => unchecked((sum * 31) + letter)));

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? text : null;
}
