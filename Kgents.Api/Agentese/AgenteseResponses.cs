using System.Text.Json.Nodes;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>What a path answers.</summary>
/// <param name="TokensUsed">By the turn that answered; 0 when none did.</param>
/// <param name="Model">Who answered; only of a turn.</param>
/// <param name="Laws">Those that were looked at, if the path asks for it.</param>
/// <param name="Span">The client's own name for the invocation, if the path has one.</param>
internal sealed record InvokeResponse(
    string Path, string Archetype, JsonNode? Result, long TokensUsed, SessionId? SessionId = null, TurnId? TurnId = null, string? Model = null, IReadOnlyList<string>? Laws = null, string? Span = null);

/// <summary>What a composition answers: what its last path does.</summary>
/// <param name="Steps">What each path did, in order; only the last shows its result.</param>
internal sealed record ComposeResponse(string Archetype, JsonNode? Result, long TokensUsed, IReadOnlyList<StepResponse> Steps, IReadOnlyList<string>? Laws = null);

/// <summary>What one path of a composition did.</summary>
internal sealed record StepResponse(string Path, long TokensUsed, SessionId? SessionId = null, TurnId? TurnId = null, string? Model = null, string? Span = null);

/// <summary>What a handle stands for.</summary>
/// <param name="Holon">Its name in the context.</param>
internal sealed record ResolveResponse(string Handle, string Context, string Holon, string Summary, string Archetype, IReadOnlyList<AspectResponse> Aspects);

/// <summary>Something that can be done.</summary>
/// <param name="Scope">What a key needs for it besides <c>read</c>.</param>
/// <param name="Parameters">What it takes in <c>kwargs</c>; those that it needs come first.</param>
internal sealed record AspectResponse(string Name, string Scope, string Summary, IReadOnlyList<string> Parameters)
{
    public static AspectResponse From(Aspect aspect) => new(
        aspect.Name, aspect.Scope, aspect.Summary, [.. aspect.Parameters.OrderByDescending(parameter => parameter.IsRequired).Select(parameter => parameter.IsRequired ? parameter.Name : parameter.Name + "?")]);
}

/// <summary>What an archetype can do with a node.</summary>
internal sealed record AffordancesResponse(string Handle, string Archetype, IReadOnlyList<string> Affordances);

/// <summary>What exists for an observer.</summary>
/// <param name="Known">The handles of what the tenant has named.</param>
/// <param name="Next">The cursor of the next page of <paramref name="Known"/>.</param>
internal sealed record PathsResponse(string Archetype, IReadOnlyList<NodeResponse> Nodes, IReadOnlyList<string> Known, string? Next);

/// <summary>A node; a handle in braces stands for any name.</summary>
internal sealed record NodeResponse(string Handle, string Summary, IReadOnlyList<string> Aspects);
