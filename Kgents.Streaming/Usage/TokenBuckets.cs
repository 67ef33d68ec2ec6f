using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Usage;

/// <summary>What a call used, as disjoint buckets: their sum is what was used, so no token is priced twice.</summary>
internal sealed record TokenBuckets(long InputUncached, long CacheRead, long CacheWrite, long OutputVisible, long Reasoning)
{
    public static TokenBuckets None { get; } = new(0, 0, 0, 0, 0);

    public long Input => InputUncached + CacheRead + CacheWrite;

    public long Output => OutputVisible + Reasoning;

    /// <summary>Here providers count cached within input and reasoning within output; a part that is larger than its whole is cut to it, never the other way.</summary>
    public static TokenBuckets From(UsageDetails usage)
    {
        var input = AtLeastZero(usage.InputTokenCount);
        var output = AtLeastZero(usage.OutputTokenCount);
        var cached = Math.Min(AtLeastZero(usage.CachedInputTokenCount), input);
        var reasoning = Math.Min(AtLeastZero(usage.ReasoningTokenCount), output);
        return new TokenBuckets(input - cached, cached, CacheWrite: 0, output - reasoning, reasoning);
    }

    private static long AtLeastZero(long? count) => Math.Max(count ?? 0, 0);
}
