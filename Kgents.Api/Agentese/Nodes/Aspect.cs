using Kgents.Api.Keys;

namespace Kgents.Api.Agentese;

/// <summary>Something that can be done with a node.</summary>
/// <param name="Scope">What the key must have besides <c>read</c>, which every path needs: it shows something.</param>
internal sealed record Aspect(string Name, string Scope, string Summary, params IReadOnlyList<Parameter> Parameters)
{
    /// <summary>The archetypes that can do it; empty for all.</summary>
    public IReadOnlyList<string> Archetypes { get; init; } = [];

    /// <summary>The modifiers that mean something to it, besides those that mean something everywhere.</summary>
    public IReadOnlyList<string> Modifiers { get; init; } = [];

    /// <summary>It tells of all tenants, so only the operator's may ask.</summary>
    public bool IsOfOperator { get; init; }

    /// <summary>A turn answers, which can also be followed as it goes.</summary>
    public bool IsTurn { get; init; }

    /// <summary>Its answer is a stream and nothing else.</summary>
    public bool IsStream { get; init; }

    public bool TakesInput => Parameters.Any(parameter => parameter.Kind == ParameterKind.Input);

    public bool IsOfferedTo(Archetype archetype) => Archetypes.Count == 0 || Archetypes.Contains(archetype.Name);

    /// <summary>On every node.</summary>
    public static Aspect Affordances { get; } = new("affordances", Scopes.Read, "what the observer can do here");
}
