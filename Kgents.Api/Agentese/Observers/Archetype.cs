namespace Kgents.Api.Agentese;

/// <summary>As whom somebody looks at things.</summary>
/// <param name="Rank">One who may look as somebody may also look as anybody of the same rank or of a lesser one.</param>
/// <param name="World">What it can do with what is in the world, besides what all can.</param>
/// <param name="Concept">The same with an idea.</param>
/// <param name="Stance">What it cares for, as the soul is told.</param>
internal sealed record Archetype(string Name, int Rank, IReadOnlyList<string> World, IReadOnlyList<string> Concept, string Stance);
