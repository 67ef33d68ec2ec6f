using System.Text.Json.Serialization;

namespace Kgents.Flux;

/// <summary>An operation is to be judged before it is done.</summary>
public sealed record InterceptRequest : SoulEvent
{
    public InterceptRequest(string tokenId, string action, string? reason = null, double severity = 0.5)
    {
        TokenId = tokenId;
        Action = action;
        Reason = reason;
        Severity = Clamped.Share(severity);
        CorrelationId = tokenId;
    }

    /// <summary>Names the request; it is its correlation id, unless it is given another.</summary>
    public string TokenId { get; }

    public string Action { get; }

    public string? Reason { get; }

    /// <summary>From 0 to 1.</summary>
    public double Severity { get; }
}

/// <summary>What the soul thinks of an operation.</summary>
public sealed record InterceptResult : SoulEvent
{
    public InterceptResult(string tokenId, string recommendation, double confidence, string reasoning, IReadOnlyList<string> matchingPrinciples)
    {
        TokenId = tokenId;
        Recommendation = recommendation;
        Confidence = Clamped.Share(confidence);
        Reasoning = reasoning;
        MatchingPrinciples = matchingPrinciples;
        CorrelationId = tokenId;
    }

    public string TokenId { get; }

    /// <summary><c>approve</c>, <c>reject</c> or <c>escalate</c>.</summary>
    public string Recommendation { get; }

    /// <summary>From 0 to 1.</summary>
    public double Confidence { get; }

    public string Reasoning { get; }

    public IReadOnlyList<string> MatchingPrinciples { get; }

    /// <summary>Nobody else needs to look at it.</summary>
    public bool Handled => Recommendation != "escalate";

    /// <summary>A model was asked.</summary>
    public bool WasDeep { get; init; }

    /// <summary>What is known of the model's call, when one was asked.</summary>
    [JsonIgnore]
    public FluxMetadata? Call { get; init; }
}
