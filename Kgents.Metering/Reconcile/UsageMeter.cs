using Kgents.Contracts;

namespace Kgents.Metering.Reconcile;

/// <summary>A meter of <c>deploy/openmeter/config.yaml</c>: what it sums of a type of event.</summary>
/// <param name="ByModel">It can be grouped by model.</param>
internal sealed record UsageMeter(string Slug, string Field, bool ByModel = true)
{
    private static readonly UsageMeter[] Calls =
    [
        new("llm_tokens_total", "total_tokens"),
        new("llm_input_tokens", "input_tokens_uncached"),
        new("llm_cache_read_tokens", "cache_read_tokens"),
        new("llm_cache_write_tokens", "cache_write_tokens"),
        new("llm_output_tokens", "output_tokens_visible"),
        new("llm_reasoning_tokens", "reasoning_tokens"),
        new("llm_requests", "requests"),
    ];

    /// <summary>What may be summed in its place, by who has set up a meter: sums that have a bucket twice among them.</summary>
    private static readonly string[] Mistakable = ["input_tokens", "output_tokens", .. Calls.Select(meter => meter.Field)];

    /// <summary>Those that sum something of a type of event, the one that sums its quantity first; none for a type that is not metered.</summary>
    public static IReadOnlyList<UsageMeter> Of(string type) => type switch
    {
        UsageEvent.BillableType => Calls,
        UsageEvent.TurnType => [new("agent_turns", "turns")],
        UsageEvent.RequestType => [new("api_requests", "requests", ByModel: false)],
        _ => [],
    };

    /// <summary>What it should sum of usage.</summary>
    public decimal Read(UsageTotal used) => Read(used, Field);

    /// <summary>What it may sum in place of its field, when it sums so much; null when nothing sums to that.</summary>
    public string? Mistaken(UsageTotal used, decimal sum) => sum == 0 ? null : Mistakable.FirstOrDefault(field => field != Field && (double)Read(used, field) == (double)sum);

    private static decimal Read(UsageTotal used, string field) => field switch
    {
        "total_tokens" => used.TotalTokens,
        "input_tokens" => used.InputTokensUncached + used.CacheReadTokens + used.CacheWriteTokens,
        "output_tokens" => used.OutputTokensVisible + used.ReasoningTokens,
        "input_tokens_uncached" => used.InputTokensUncached,
        "cache_read_tokens" => used.CacheReadTokens,
        "cache_write_tokens" => used.CacheWriteTokens,
        "output_tokens_visible" => used.OutputTokensVisible,
        "reasoning_tokens" => used.ReasoningTokens,
        "requests" => used.Requests,
        "turns" => used.Turns,
        _ => throw new ArgumentOutOfRangeException(nameof(field), field, "is no quantity"),
    };
}
