using Kgents.Api.Keys;

namespace Kgents.Api.Agentese;

/// <summary>What can be done with what a tenant names: by all, and by some archetypes.</summary>
internal static class HolonAspects
{
    private static readonly Parameter To = new("to", ParameterKind.Text, IsRequired: true);

    public static IReadOnlyList<Aspect> Of(IReadOnlyList<string> ofAll, Func<Archetype, IReadOnlyList<string>> ofSome) =>
    [
        new("manifest", Scopes.Read, "what the observer knows of it"),
        new("witness", Scopes.Read, "what was asked about it and what was said, the latest last", Parameter.Limit),
        Asking(HolonTurns.Define, "says what it is; the first time, that makes it known", Parameter.Input),
        Asking("relate", "says how it is related to something else", To, Parameter.Input),
        .. ofAll.Select(name => Asking(name, Summary(name), Parameter.Input)),
        .. Archetypes.OnlySome(ofSome).Except(ofAll).Select(name => Asking(name, Summary(name), Parameter.Input) with { Archetypes = [.. Archetypes.All.Where(archetype => ofSome(archetype).Contains(name)).Select(archetype => archetype.Name)] }),
    ];

    private static Aspect Asking(string name, string summary, params IReadOnlyList<Parameter> parameters) =>
        new(name, Scopes.Write, summary, [.. parameters, Parameter.Budget]) { IsTurn = true, Modifiers = [PathModifiers.Phase] };

    private static string Summary(string name) => name == "dialectic" ? "thesis, antithesis and synthesis of it" : $"says what it comes to, to {name} it";
}
