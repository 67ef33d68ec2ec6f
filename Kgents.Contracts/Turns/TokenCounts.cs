using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>Tokens of a turn. <paramref name="Basis"/> says where the numbers come from.</summary>
/// <param name="Basis">
/// <c>reported</c> by the provider; <c>counted</c> here, by a tokenizer; <c>estimated</c> while the turn goes on; or <c>none</c>: nothing was used that is billed.
/// </param>
public sealed record TokenCounts(long Input, long Output, [property: JsonPropertyOrder(1)] string Basis)
{
    public const string Reported = "reported";
    public const string Counted = "counted";
    public const string Estimated = "estimated";
    public const string NotCounted = "none";

    public static TokenCounts None { get; } = new(0, 0, NotCounted);

    public long Total => Input + Output;
}
