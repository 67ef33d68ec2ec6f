namespace Kgents.Contracts;

/// <summary>What a stream must be; everything that it does not say is the server's default.</summary>
public sealed record StreamDefinition(string Name, string Subject, string Description)
{
    /// <summary>Age after which a message is removed; zero keeps it for ever.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>Bytes after which the oldest messages go, or, with <see cref="DiscardNew"/>, new ones are refused; -1 is no limit.</summary>
    public long MaxBytes { get; init; } = -1;

    /// <summary>When full, refuse what is new instead of losing what is old.</summary>
    public bool DiscardNew { get; init; }

    /// <summary>Nobody may delete a message or purge the stream: it is an audit trail.</summary>
    public bool Immutable { get; init; }

    /// <summary>Where the server republishes each message after it is stored; null for nowhere.</summary>
    public string? RepublishTo { get; init; }

    /// <summary>Each message adds to its subject's number and is answered with the sum; only the sum is kept.</summary>
    public bool IsCounter { get; init; }

    /// <summary>How long a second publish with the same <c>Nats-Msg-Id</c> is recognised.</summary>
    public TimeSpan DuplicateWindow { get; init; } = TimeSpan.FromMinutes(2);
}
