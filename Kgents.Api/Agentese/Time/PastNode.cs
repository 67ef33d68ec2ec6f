using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary><c>time.past</c>: what was, as it was then.</summary>
internal sealed class PastNode(SessionStore sessions, PastTurns past) : IAgenteseNode
{
    public string Context => "time";

    public string? Holon => "past";

    public string Summary => "what was, as it was then";

    public IReadOnlyList<Aspect> Aspects { get; } =
        [new("project", Scopes.Read, "a session as it was at a moment: the turns that it had then, the latest last", Parameter.SessionId, new("at", ParameterKind.Time, IsRequired: true), Parameter.Limit)];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (id, at) = (invocation.Arguments.Session!.Value, invocation.Arguments.Find<DateTimeOffset>("at")!.Value);
        if (await sessions.FindAsync(invocation.Tenant, id, cancellationToken) is not { } session)
        {
            return new AgenteseAnswer.Refused(Problem.SessionNotFound);
        }

        if (at < session.CreatedAt)
        {
            return new AgenteseAnswer.Refused(Problem.Invalid(422, "kwargs.at", "must not be before the session was created"));
        }

        var latest = new Queue<PastTurn>();
        var (turns, totals) = (0, SessionTotals.None);
        await foreach (var turn in past.ReadAsync(invocation.Tenant, id, at, cancellationToken))
        {
            turns++;
            totals = turn.Answer?.Totals ?? totals;
            latest.Enqueue(turn);
            if (latest.Count > invocation.Arguments.Page.Limit)
            {
                latest.Dequeue();
            }
        }

        return new AgenteseAnswer.Shown(new JsonObject
        {
            ["session_id"] = id.ToString(),
            ["at"] = at,
            ["turn_count"] = turns,
            ["message_count"] = totals.Messages,
            ["tokens_used"] = totals.InputTokens + totals.OutputTokens,
            ["turns"] = new JsonArray([.. latest.Select(turn => (JsonNode)turn.ToJson())]),
        });
    }
}
