using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>Tokens of a turn. <paramref name="Basis"/> says where the numbers come from.</summary>
/// <param name="Basis"><c>reported</c> by the provider, or <c>none</c>: nobody counted, so nothing is billed.</param>
public sealed record TokenCounts(long Input, long Output, [property: JsonPropertyOrder(1)] string Basis)
{
    public const string Reported = "reported";
    public const string NotCounted = "none";

    public static TokenCounts None { get; } = new(0, 0, NotCounted);

    public long Total => Input + Output;
}
