using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>What a tenant has used of a model in an hour, by type of event. Quantities are exact; in JSON they are decimal strings.</summary>
[JsonNumberHandling(JsonNumberHandling.WriteAsString | JsonNumberHandling.AllowReadingFromString)]
public sealed record UsageTotal(TenantId Tenant, string Hour, string Model, string Type)
{
    public long Events { get; init; }

    public decimal Requests { get; init; }

    public decimal Turns { get; init; }

    public decimal InputTokensUncached { get; init; }

    public decimal CacheReadTokens { get; init; }

    public decimal CacheWriteTokens { get; init; }

    public decimal OutputTokensVisible { get; init; }

    public decimal ReasoningTokens { get; init; }

    public decimal TotalTokens { get; init; }

    /// <summary>How much it is, as <see cref="UsageEvent.QuantityField"/> says.</summary>
    [JsonIgnore]
    public decimal Quantity => Type switch
    {
        UsageEvent.RequestType => Requests,
        UsageEvent.TurnType => Turns,
        _ => TotalTokens,
    };

    /// <summary>More was taken back than there was.</summary>
    [JsonIgnore]
    public bool IsNegative => Math.Min(Math.Min(Requests, Turns), Math.Min(Math.Min(InputTokensUncached, CacheReadTokens), Math.Min(CacheWriteTokens, Math.Min(OutputTokensVisible, ReasoningTokens)))) < 0;

    /// <summary>The sum of two totals of the same tenant, hour, model and type.</summary>
    public UsageTotal Plus(UsageTotal other) => this with
    {
        Events = Events + other.Events,
        Requests = Requests + other.Requests,
        Turns = Turns + other.Turns,
        InputTokensUncached = InputTokensUncached + other.InputTokensUncached,
        CacheReadTokens = CacheReadTokens + other.CacheReadTokens,
        CacheWriteTokens = CacheWriteTokens + other.CacheWriteTokens,
        OutputTokensVisible = OutputTokensVisible + other.OutputTokensVisible,
        ReasoningTokens = ReasoningTokens + other.ReasoningTokens,
        TotalTokens = TotalTokens + other.TotalTokens,
    };
}
