namespace Kgents.Api.Agentese;

/// <summary>All nodes that there are.</summary>
internal sealed class NodeRegistry(IEnumerable<IAgenteseNode> nodes)
{
    public IReadOnlyList<IAgenteseNode> All { get; } =
        [.. nodes.OrderBy(node => PathParser.Contexts.ToList().IndexOf(node.Context)).ThenBy(node => node.Holon is null).ThenBy(node => node.Holon, StringComparer.Ordinal)];

    /// <summary>The one of this name, or else the one that stands for every name in the context; null when there is neither.</summary>
    public IAgenteseNode? Find(AgentesePath path) =>
        All.FirstOrDefault(node => node.Context == path.Context && node.Holon == path.Holon) ?? All.FirstOrDefault(node => node.Context == path.Context && node.Holon is null);

    /// <summary>What somebody may have meant who asked for a name that is not there.</summary>
    public string? Near(AgentesePath path) =>
        Nearest.Of(path.Holon, All.Where(node => node.Context == path.Context && node.Holon is not null).Select(node => node.Holon!)) is { } near ? (path with { Holon = near }).ToString() : null;
}
