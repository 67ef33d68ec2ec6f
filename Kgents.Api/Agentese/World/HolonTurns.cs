using System.Text.Json.Nodes;
using Kgents.Api.Messages;
using Kgents.Api.Plans;
using Kgents.Api.Sessions;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>What is done with a thing or an idea that a tenant has named: the soul answers with the stance of the archetype that asks, and what it said is what is known.</summary>
internal sealed class HolonTurns(HolonStore holons, SessionStore sessions, PastTurns past, SoulQuestions soul, PlanCatalog plans)
{
    public const string Define = "define";

    /// <summary>Messages wait for each other: two who ask about one thing at once are both answered.</summary>
    public async Task<AgenteseAnswer> AskAsync(Invocation invocation, SoulQuestion question, CancellationToken cancellationToken)
    {
        if (soul.TooLong(question) is { } tooLong)
        {
            return new AgenteseAnswer.Refused(tooLong);
        }

        if (plans.ReadBudget(invocation.Tenant, invocation.Arguments.Text("budget"), out var budget) is { } notABudget)
        {
            return new AgenteseAnswer.Refused(notABudget);
        }

        while (true)
        {
            if (await holons.FindAsync(invocation.Tenant, invocation.Path.Context, invocation.Path.Holon, cancellationToken) is { } known)
            {
                return await soul.AskAsync(invocation, known, question, BusyPolicy.Enqueue, cancellationToken);
            }

            // A budget that is asked for is for one answer, and not for all that is ever asked about the name.
            var named = new NewSession(invocation.Path.Handle, question.Mode, Model: null, plans.Of(invocation.Tenant).DefaultBudget, Eigenvectors: null) { AgentType = SoulQuestions.AgentType };
            var id = sessions.NewId();
            if (await soul.TryAskAsync(invocation, id, question, budget, accepting => holons.TryNameAsync(invocation.Tenant, invocation.Path, id, named, accepting), cancellationToken) is { } answer)
            {
                return answer;
            }
        }
    }

    /// <summary>What the archetype knows of it, which another may know otherwise.</summary>
    public async Task<AgenteseAnswer> ManifestAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        JsonObject? definition = null;
        var (views, seers) = (new JsonObject(), new SortedSet<string>(StringComparer.Ordinal));
        await foreach (var turn in ReadAsync(invocation, cancellationToken))
        {
            var (aspect, by) = (turn.Message.Path![(turn.Message.Path!.LastIndexOf('.') + 1)..], turn.Message.Archetype!);
            var isOwn = by == invocation.Archetype.Name;
            seers.Add(by);
            if (isOwn)
            {
                views[aspect] = Said(turn);
            }

            if (aspect == Define && (isOwn || definition is null || definition["by"]!.GetValue<string>() != invocation.Archetype.Name))
            {
                definition = Said(turn);
                definition["by"] = by;
            }
        }

        return seers.Count == 0 ? new AgenteseAnswer.Refused(HolonStore.Unknown(invocation.Path)) : new AgenteseAnswer.Shown(new JsonObject
        {
            ["handle"] = invocation.Path.Handle,
            ["archetype"] = invocation.Archetype.Name,
            ["definition"] = definition,
            ["views"] = views,
            ["seen_by"] = new JsonArray([.. seers.Select(seer => (JsonNode)seer)]),
        }.WithoutNulls());
    }

    /// <summary>All that was asked about it, by whoever, the latest last.</summary>
    public async Task<AgenteseAnswer> WitnessAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var latest = new Queue<PastTurn>();
        await foreach (var turn in ReadAsync(invocation, cancellationToken))
        {
            latest.Enqueue(turn);
            if (latest.Count > invocation.Arguments.Page.Limit)
            {
                latest.Dequeue();
            }
        }

        return latest.Count == 0
            ? new AgenteseAnswer.Refused(HolonStore.Unknown(invocation.Path))
            : new AgenteseAnswer.Shown(new JsonObject { ["handle"] = invocation.Path.Handle, ["turns"] = new JsonArray([.. latest.Select(turn => (JsonNode)turn.ToJson())]) });
    }

    private async IAsyncEnumerable<PastTurn> ReadAsync(Invocation invocation, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await holons.FindAsync(invocation.Tenant, invocation.Path.Context, invocation.Path.Holon, cancellationToken) is not { } session)
        {
            yield break;
        }

        await foreach (var turn in past.ReadAsync(invocation.Tenant, session, until: null, cancellationToken))
        {
            // The session can be asked by other paths too, which are no views of the name.
            if (turn is { Message: { Path: { } path, Archetype: not null }, Answer.Status: TurnStatus.Completed } && path.StartsWith($"{invocation.Path.Handle}.", StringComparison.Ordinal))
            {
                yield return turn;
            }
        }
    }

    private static JsonObject Said(PastTurn turn) => new() { ["text"] = turn.Answer!.Text, ["turn_id"] = turn.Message.Turn.ToString(), ["at"] = turn.Answer.CreatedAt };
}
