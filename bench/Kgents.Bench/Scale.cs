namespace Kgents.Bench;

/// <summary>How much load for how long.</summary>
internal sealed record Scale
{
    public static Scale Full { get; } = new();

    public static Scale Quick { get; } = new()
    {
        WarmUp = TimeSpan.FromSeconds(0.5),
        Window = TimeSpan.FromSeconds(1),
        PacedTurns = 5,
        FastTurns = 8,
        Viewers = 10,
        IdleStreams = 40,
        Rest = TimeSpan.FromSeconds(0.5),
        Behind = 100,
        Resumes = 10,
        Replays = 1,
        Deaths = 1,
        Starts = 1,
        Sessions = 500,
        UsageBacklog = 2_000,
    };

    /// <summary>Load before anything counts: connections are open, code is compiled.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>The time that counts; a floor counts half of it before and half after.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>Turns at <see cref="TokensPerSecond"/> each.</summary>
    public int PacedTurns { get; init; } = 100;

    public double TokensPerSecond { get; init; } = 30;

    /// <summary>Turns whose model is as fast as it can be.</summary>
    public int FastTurns { get; init; } = 64;

    /// <summary>Viewers of one turn.</summary>
    public int Viewers { get; init; } = 500;

    public int IdleStreams { get; init; } = 5000;

    /// <summary>Between the opening of the last of them and the measurement: long enough for whoever gives memory back to have done so, and to have taken some again.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Events that a client missed.</summary>
    public int Behind { get; init; } = 1000;

    public int Resumes { get; init; } = 300;

    /// <summary>Times that a turn is told again at its own pace.</summary>
    public int Replays { get; init; } = 3;

    public int Deaths { get; init; } = 5;

    /// <summary>Starts of each service.</summary>
    public int Starts { get; init; } = 5;

    /// <summary>Sessions of one tenant.</summary>
    public int Sessions { get; init; } = 100_000;

    /// <summary>Usage events that wait when OpenMeter comes back.</summary>
    public int UsageBacklog { get; init; } = 50_000;
}
