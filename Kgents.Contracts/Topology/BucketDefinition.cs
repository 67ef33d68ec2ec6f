namespace Kgents.Contracts;

/// <summary>A key-value bucket: small state that is changed by compare-and-set.</summary>
public sealed record BucketDefinition(string Name, string Description)
{
    /// <summary>Age after which a value is removed; zero keeps it for ever.</summary>
    public TimeSpan MaxAge { get; init; }
}
