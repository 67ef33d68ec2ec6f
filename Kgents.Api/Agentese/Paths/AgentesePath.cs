using System.Globalization;

namespace Kgents.Api.Agentese;

/// <summary>A path, <c>context.holon.aspect</c>, and what stands behind it. <paramref name="Aspect"/> is empty for the handle of a node, <c>context.holon</c>.</summary>
internal sealed record AgentesePath(string Context, string Holon, string Aspect, IReadOnlyList<PathModifier> Modifiers)
{
    /// <summary>In characters.</summary>
    public const int Longest = 500;

    public string Handle => $"{Context}.{Holon}";

    /// <summary>The path alone, as what is remembered by.</summary>
    public string Bare => Aspect == "" ? Handle : $"{Handle}.{Aspect}";

    public string? Phase => Find("phase");

    public string? Span => Find("span");

    public decimal? Entropy => Find("entropy") is { } entropy ? decimal.Parse(entropy, CultureInfo.InvariantCulture) : null;

    /// <summary>It can be parsed, and comes to the same path.</summary>
    public override string ToString() => Bare + string.Concat(Modifiers);

    private string? Find(string name) => Modifiers.FirstOrDefault(modifier => modifier.Name == name)?.Value;
}
