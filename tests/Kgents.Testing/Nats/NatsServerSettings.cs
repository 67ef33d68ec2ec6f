namespace Kgents.Testing;

/// <summary>How a test's nats-server differs from the usual one: JetStream on, every write synced.</summary>
public sealed record NatsServerSettings
{
    public bool JetStream { get; init; } = true;

    /// <summary>What all streams together may have, as nats-server writes sizes.</summary>
    public string Room { get; init; } = "10TB";

    /// <summary>Where JetStream keeps its files; null for a directory that ends with the server.</summary>
    public string? Store { get; init; }

    /// <summary><c>always</c> syncs before each ack; a duration such as <c>2m</c> is the server's own default.</summary>
    public string SyncInterval { get; init; } = "always";

    /// <summary>Lines added to the end of the configuration file, for example an <c>authorization</c> block.</summary>
    public string ExtraConfiguration { get; init; } = "";

    /// <summary>A file of <c>deploy/nats</c> that the server runs with, on ports of this test's; null for the usual one. The settings above say nothing then.</summary>
    public string? Shipped { get; init; }

    /// <summary>What the shipped file takes from the server's environment, besides the users' passwords and <c>KGENTS_NATS_STORE</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The users of the shipped configuration; null for a server that lets everybody do everything.</summary>
    public NatsUsers? Users { get; init; }

    /// <summary>Logs what each client says, without what is in it.</summary>
    public bool Trace { get; init; }

    /// <summary>How long a start may take before it counts as failed.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether the store is in the machine's memory, where it has room for that: as durable as a disk for who kills processes, and a sync costs nothing. Whoever measures wants a disk, and
    /// so does a cluster, where it matters how long a node takes.
    /// </summary>
    public bool InMemory { get; init; } = true;
}
