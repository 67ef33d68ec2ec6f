using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>What is charged for a call.</summary>
/// <param name="Basis"><see cref="TokenCounts.Reported"/> by the provider, or <see cref="TokenCounts.Counted"/> here.</param>
internal sealed record CallUsage(TokenBuckets Buckets, string Basis)
{
    /// <summary><c>usage_source</c> of a usage event.</summary>
    public string Source => Basis == TokenCounts.Reported ? "provider" : "counted";

    public TokenCounts Tokens => new(Buckets.Input, Buckets.Output, Basis);
}
