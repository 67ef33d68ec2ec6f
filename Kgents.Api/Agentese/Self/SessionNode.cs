using System.Text.Json;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;

namespace Kgents.Api.Agentese;

/// <summary><c>self.session</c>: one of the tenant's sessions.</summary>
internal sealed class SessionNode(SessionStore sessions, SessionDetailsStore details, SessionChanges changes, Conversation conversation) : IAgenteseNode
{
    public string Context => "self";

    public string? Holon => "session";

    public string Summary => "one of the tenant's sessions";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        new("manifest", Scopes.Read, "the session with its counts", Parameter.SessionId),
        new("witness", Scopes.Read, "what was said in it, oldest first", Parameter.SessionId, Parameter.Limit, Parameter.Cursor),
        new("archive", Scopes.Write, "keeps it, and lets it take no more messages", Parameter.SessionId),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (tenant, id, page) = (invocation.Tenant, invocation.Arguments.Session!.Value, invocation.Arguments.Page);
        if (invocation.Aspect.Name == "archive")
        {
            return Show(await changes.ChangeAsync(tenant, id, new ChangeSessionRequest(Title: null, SessionStatuses.Archived, Metadata: null), cancellationToken));
        }

        if (await sessions.FindAsync(tenant, id, cancellationToken) is not { } session)
        {
            return Show(null);
        }

        return invocation.Aspect.Name == "witness"
            ? new AgenteseAnswer.Shown(JsonSerializer.SerializeToNode(await conversation.ReadAsync(tenant, id, page.Limit, page.Cursor, cancellationToken), ApiJson.Default.MessagePage))
            : Show(SessionResponse.From(session, await details.FindAsync(tenant, id, cancellationToken), await sessions.TotalsAsync(tenant, id, cancellationToken)));
    }

    private static AgenteseAnswer Show(SessionResponse? session) => session is null
        ? new AgenteseAnswer.Refused(Problem.SessionNotFound)
        : new AgenteseAnswer.Shown(JsonSerializer.SerializeToNode(session, ApiJson.Default.SessionResponse));
}
