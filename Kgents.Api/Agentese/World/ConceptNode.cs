namespace Kgents.Api.Agentese;

/// <summary><c>concept.{name}</c>: an idea that a tenant names.</summary>
internal sealed class ConceptNode(HolonTurns holons) : IAgenteseNode
{
    public string Context => "concept";

    public string? Holon => null;

    public string Summary => "an idea that the tenant has named, as it is seen by who thinks of it";

    public IReadOnlyList<Aspect> Aspects { get; } = HolonAspects.Of([], archetype => archetype.Concept);

    public Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken) => invocation.Aspect.Name switch
    {
        "manifest" => holons.ManifestAsync(invocation, cancellationToken),
        "witness" => holons.WitnessAsync(invocation, cancellationToken),
        "dialectic" => holons.AskAsync(invocation, HolonPrompt.Of(invocation, "idea", Dialectic.Read, Dialectic.Form), cancellationToken),
        _ => holons.AskAsync(invocation, HolonPrompt.Of(invocation, "idea", SoulQuestions.Whole), cancellationToken),
    };
}
