namespace Kgents.Flux;

/// <summary>The bounds of a <see cref="KgentFlux"/>.</summary>
public sealed record KgentFluxOptions
{
    /// <summary>How it is called in what is told of it.</summary>
    public string Id { get; init; } = $"kgent-flux-{Guid.NewGuid().ToString("n")[..8]}";

    /// <summary>Time between two signs of life in the output of a stream; null for none.</summary>
    public TimeSpan? PulseInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Events that wait in the output until they are read, and as many that wait to be let in. When full, who brings one more waits.</summary>
    public int BufferSize { get; init; } = 100;

    /// <summary>How long an event may take that is brought to a flowing stream, its waiting included. Then its work is stopped.</summary>
    public TimeSpan PerturbationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What events may cost before the flux stops.</summary>
    public double EntropyBudget { get; init; } = 1000;

    /// <summary>What one event costs; 0 lets it go on for ever.</summary>
    public double EntropyDecay { get; init; } = 1;

    /// <exception cref="ArgumentException">Some of it cannot be; the message names all of that.</exception>
    internal KgentFluxOptions Validated()
    {
        string[] faults =
        [
            .. Faults(PulseInterval is { } interval && interval <= TimeSpan.Zero, "PulseInterval must be longer than zero, or null"),
            .. Faults(BufferSize < 1, "BufferSize must be at least 1"),
            .. Faults(PerturbationTimeout <= TimeSpan.Zero && PerturbationTimeout != Timeout.InfiniteTimeSpan, "PerturbationTimeout must be longer than zero"),
            .. Faults(!(EntropyBudget > 0), "EntropyBudget must be more than 0"),
            .. Faults(!(EntropyDecay >= 0), "EntropyDecay must not be less than 0"),
        ];
        return faults.Length == 0 ? this : throw new ArgumentException(string.Join("; ", faults));
    }

    private static IEnumerable<string> Faults(bool isOne, string text) => isOne ? [text] : [];
}
