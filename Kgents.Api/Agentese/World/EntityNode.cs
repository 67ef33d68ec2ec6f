namespace Kgents.Api.Agentese;

/// <summary><c>world.{entity}</c>: whatever a tenant names.</summary>
internal sealed class EntityNode(HolonTurns holons) : IAgenteseNode
{
    public string Context => "world";

    public string? Holon => null;

    public string Summary => "a thing that the tenant has named, as it is seen by who looks";

    public IReadOnlyList<Aspect> Aspects { get; } = HolonAspects.Of(["transform"], archetype => archetype.World);

    public Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken) => invocation.Aspect.Name switch
    {
        "manifest" => holons.ManifestAsync(invocation, cancellationToken),
        "witness" => holons.WitnessAsync(invocation, cancellationToken),
        _ => holons.AskAsync(invocation, HolonPrompt.Of(invocation, "thing", SoulQuestions.Whole), cancellationToken),
    };
}
