using System.Text.Json.Nodes;
using Kgents.Api.Keys;

namespace Kgents.Api.Agentese;

/// <summary><c>self.identity</c>: the unit of composition.</summary>
internal sealed class IdentityNode : IAgenteseNode
{
    public const string Path = "self.identity.pass";

    public string Context => "self";

    public string? Holon => "identity";

    public string Summary => "the unit of composition";

    public IReadOnlyList<Aspect> Aspects { get; } = [new("pass", Scopes.Read, "answers what it is given, as it is", Parameter.RequiredInput)];

    public Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken) =>
        Task.FromResult<AgenteseAnswer>(new AgenteseAnswer.Shown(JsonNode.Parse(invocation.Arguments.InputJson!.Value.GetRawText())));
}
