using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary><c>void.serendipity</c>: something of the tenant's own past that nobody looked for.</summary>
internal sealed class SerendipityNode(SessionListing sessions, PastTurns past, EntropyStore entropy) : IAgenteseNode
{
    /// <summary>What a tangent draws.</summary>
    private const decimal Cost = 0.05m;

    /// <summary>The latest sessions, one of which is chosen.</summary>
    private const int Sessions = 100;

    public string Context => "void";

    public string? Holon => "serendipity";

    public string Summary => "something of the tenant's own past that nobody looked for";

    public IReadOnlyList<Aspect> Aspects { get; } = [new("tangent", Scopes.Write, "a past turn of the tenant's latest sessions, by chance; draws entropy") { Modifiers = [PathModifiers.Entropy] }];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var tenant = invocation.Tenant;
        if (EntropyNode.Read(invocation, Cost, out var amount) is { } refused)
        {
            return refused;
        }

        if (await FindAsync(tenant, cancellationToken) is not var (session, turn))
        {
            return new AgenteseAnswer.Refused(Problem.PathNotFound("No turn of the tenant has been answered yet, so there is nothing to come upon.", invocation.Path.Handle.Length + 1, null));
        }

        if (await entropy.SipAsync(tenant, amount, cancellationToken) is not { } left)
        {
            return new AgenteseAnswer.Refused(Problem.EntropyExhausted((await entropy.FindAsync(tenant, cancellationToken)).Remaining));
        }

        return new AgenteseAnswer.Shown(new JsonObject
        {
            ["text"] = turn.Answer!.Text,
            ["question"] = turn.Message.Text,
            ["session_id"] = session.ToString(),
            ["turn_id"] = turn.Message.Turn.ToString(),
            ["asked_at"] = turn.Message.CreatedAt,
            ["amount"] = amount,
            ["remaining"] = left.Remaining,
        });
    }

    /// <summary>Sessions in an order of chance, until one has a turn with an answer; of those, any.</summary>
    private async Task<(SessionId Session, PastTurn Turn)?> FindAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var (listed, _) = await sessions.ReadAsync(tenant, archived: null, Sessions, ulong.MaxValue, cancellationToken);
        var order = listed.ToArray();
        RandomNumberGenerator.Shuffle(order.AsSpan());
        foreach (var session in order)
        {
            PastTurn? chosen = null;
            var seen = 0;
            await foreach (var turn in past.ReadAsync(tenant, session.Record.Id, until: null, cancellationToken))
            {
                // Each of those that were seen with the same chance, without keeping them.
                if (turn is { Answer: { Status: TurnStatus.Completed, Text.Length: > 0 } } && RandomNumberGenerator.GetInt32(++seen) == 0)
                {
                    chosen = turn;
                }
            }

            if (chosen is not null)
            {
                return (session.Record.Id, chosen);
            }
        }

        return null;
    }
}
