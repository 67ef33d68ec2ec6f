using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>Finds out what a path stands for, and whether its observer may do it: all that a request can be refused for before anything is done.</summary>
internal sealed class Invoker(NodeRegistry nodes, ArgumentReader arguments, IOptions<BootstrapKeyOptions> operatorOptions)
{
    /// <summary>Modifiers that mean something behind every path: they hold, or the request is refused.</summary>
    private static readonly string[] Everywhere = [PathModifiers.LawCheck, PathModifiers.MinimalOutput, PathModifiers.Span];

    /// <summary>Null when the path may be invoked.</summary>
    /// <param name="kwargs">Null when the values are not known yet.</param>
    public ProblemHttpResult? Prepare(HttpContext http, string? text, string? asked, JsonElement? kwargs, out Invocation invocation)
    {
        invocation = null!;
        if (Parse(text, out var path) is { } notAPath)
        {
            return notAPath;
        }

        if ((Observer.Read(http.User, asked, out var archetype) ?? Bind(path, out _)) is { } problem)
        {
            return problem;
        }

        var node = nodes.Find(path)!;
        if (Choose(path, node, archetype, out var aspect) is { } denied)
        {
            return denied;
        }

        invocation = new Invocation(path, node, aspect, archetype, Arguments.None, http);
        if ((ReadModifiers(path, aspect) ?? Authorize(http, aspect)) is { } refused)
        {
            return refused;
        }

        if (kwargs is null)
        {
            return null;
        }

        var unread = arguments.Read(aspect, kwargs, out var values);
        invocation = invocation with { Arguments = values };
        return unread;
    }

    /// <summary>The node of a handle.</summary>
    public ProblemHttpResult? Resolve(HttpContext http, string? text, string? asked, out AgentesePath path, out IAgenteseNode node, out Archetype archetype)
    {
        (path, node, archetype) = (null!, null!, Archetypes.Viewer);
        if (!PathParser.TryParseHandle(text ?? "", out var found, out var fault))
        {
            return Explain(fault);
        }

        path = found;
        return Observer.Read(http.User, asked, out archetype) ?? Bind(path, out node);
    }

    public static async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken) =>
        invocation.Aspect == Aspect.Affordances
            ? new AgenteseAnswer.Shown(new JsonObject { ["affordances"] = new JsonArray([.. Offered(invocation.Node, invocation.Archetype).Select(aspect => (JsonNode)aspect.Name)]) })
            : await invocation.Node.InvokeAsync(invocation, cancellationToken);

    /// <summary>What an archetype can do with a node, whatever its key may.</summary>
    public static IEnumerable<Aspect> Offered(IAgenteseNode node, Archetype archetype) => node.Aspects.Where(aspect => aspect.IsOfferedTo(archetype)).Append(Aspect.Affordances);

    /// <summary>Null when the key may do what the aspect does.</summary>
    public ProblemHttpResult? Authorize(HttpContext http, Aspect aspect) =>
        !http.User.HasScope(aspect.Scope) ? Problem.ScopeMissing(aspect.Scope)
        : aspect.IsOfOperator && http.User.Tenant().ToString() != operatorOptions.Value.BootstrapTenant ? Problem.OperatorOnly
        : null;

    private static ProblemHttpResult? Parse(string? text, out AgentesePath path)
    {
        path = null!;
        if (!PathParser.TryParse(text ?? "", out var parsed, out var fault))
        {
            return Explain(fault);
        }

        path = parsed;
        return null;
    }

    private static ProblemHttpResult Explain(PathFault fault) =>
        fault.IsUnknown ? Problem.PathNotFound(fault.Reason, fault.Position, fault.Suggestion) : Problem.PathSyntax(fault.Reason, fault.Position, fault.Suggestion);

    private ProblemHttpResult? Bind(AgentesePath path, out IAgenteseNode node)
    {
        node = nodes.Find(path)!;
        return node is null ? Problem.PathNotFound($"There is no '{path.Holon}' in {path.Context}.", path.Context.Length + 1, nodes.Near(path)) : null;
    }

    private static ProblemHttpResult? Choose(AgentesePath path, IAgenteseNode node, Archetype archetype, out Aspect aspect)
    {
        var all = node.Aspects.Append(Aspect.Affordances).ToList();
        aspect = all.Find(each => each.Name == path.Aspect && each.IsOfferedTo(archetype)) ?? all.Find(each => each.Name == path.Aspect)!;
        var offered = Offered(node, archetype).Select(each => each.Name).ToList();
        return aspect is null
                ? Problem.PathNotFound(
                    $"'{path.Aspect}' is nothing that can be done with {path.Handle}.", path.Handle.Length + 1, Nearest.Of(path.Aspect, offered) is { } near ? (path with { Aspect = near }).ToString() : null)
            : aspect.IsOfferedTo(archetype) ? null
            : Problem.AffordanceDenied(path.Aspect, archetype.Name, offered);
    }

    private static ProblemHttpResult? ReadModifiers(AgentesePath path, Aspect aspect) =>
        path.Modifiers.FirstOrDefault(modifier => !Everywhere.Contains(modifier.Name) && !aspect.Modifiers.Contains(modifier.Name)) is { } idle
            ? Problem.LawViolated(idle.Name, $"'{idle.Name}' means nothing to {path.Bare}, and is not ignored.")
            : null;
}
