using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Idempotency;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>A path that may be invoked: it is one, is bound to a node, and its observer may do it.</summary>
internal sealed record Invocation(AgentesePath Path, IAgenteseNode Node, Aspect Aspect, Archetype Archetype, Arguments Arguments, HttpContext Http)
{
    public ClaimsPrincipal User => Http.User;

    public TenantId Tenant => User.Tenant();

    /// <summary>The client's name for the request, if it gave one.</summary>
    public IdempotencyKey? Key { get; init; }
}
