namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>How one test's system differs from the usual one: an API, a worker and metering.</summary>
public sealed record SystemSettings
{
    public int Workers { get; init; } = 1;

    public bool Metering { get; init; } = true;

    /// <summary>In place of the scripted model's connection string.</summary>
    public string? Model { get; init; }

    /// <summary>In place of the OpenMeter stand-in's connection string.</summary>
    public string? OpenMeter { get; init; }

    /// <summary>Where nats-server keeps its files; null for a directory that ends with it.</summary>
    public string? Store { get; init; }

    /// <summary>Added to the environment of every service.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
}
