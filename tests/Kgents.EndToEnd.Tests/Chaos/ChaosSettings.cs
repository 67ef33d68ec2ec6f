using System.Globalization;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What a run is made of. The same seed gives the same plan to every actor; what meets what is up to the machine.</summary>
/// <param name="Time">How long processes die; after that the system has until its end to become whole.</param>
/// <param name="Turns">They die until there were so many turns, however long it takes; null when the time says it.</param>
internal sealed record ChaosSettings(int Seed, TimeSpan Time, int? Turns)
{
    private const string SeedVariable = "KGENTS_CHAOS_SEED";
    private const string TimeVariable = "KGENTS_CHAOS_TIME";
    private const string TurnsVariable = "KGENTS_CHAOS_TURNS";

    /// <summary>How long after the last fault everything must have come to its end. Nothing is decided by it: it only ends a run that hangs.</summary>
    public static TimeSpan Settling { get; } = TimeSpan.FromMinutes(3);

    public int Sessions { get; init; } = 12;

    /// <summary>Whose protocol the model speaks. Anthropic tells the input before the first token, and what it wrote to a cache; OpenAI tells all at the end, and what was reasoning, or nothing.</summary>
    public string Provider => IsAnthropic ? "anthropic" : "openai";

    public bool IsAnthropic => Seed % 2 == 1;

    public static ChaosSettings FromEnvironment() => new(
        Read(SeedVariable) is { } seed ? int.Parse(seed, NumberStyles.None, CultureInfo.InvariantCulture) : Random.Shared.Next(1, 1_000_000),
        Read(TimeVariable) is { } time ? TimeSpan.Parse(time, CultureInfo.InvariantCulture) : TimeSpan.FromSeconds(45),
        Read(TurnsVariable) is { } turns ? int.Parse(turns, NumberStyles.None, CultureInfo.InvariantCulture) : null);

    public override string ToString() => Turns is { } turns ? string.Create(CultureInfo.InvariantCulture, $"seed {Seed} ({Provider}), faults for {turns:N0} turns") : $"seed {Seed} ({Provider}), {Time} of faults";

    /// <summary>The numbers of one actor, whatever the others draw.</summary>
    public Random RandomOf(string actor) => new(actor.Aggregate(Seed, (sum, letter) => unchecked((sum * 31) + letter)));

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? text : null;
}
