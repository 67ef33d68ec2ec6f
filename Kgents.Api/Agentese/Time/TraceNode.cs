using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary><c>time.trace</c>: turns that have ended, from their logs and their sessions.</summary>
internal sealed class TraceNode(TurnLookup lookup, SessionStore sessions, PastTurns past, TurnFeeds feeds, JetStreamReader reader, IOptions<TurnStreamOptions> options, TimeProvider time) : IAgenteseNode
{
    private static readonly Parameter Contains = new("contains", ParameterKind.Text);
    private static readonly Parameter Status = new("status", ParameterKind.Choice) { Choices = ["completed", "failed", "cancelled", "open"] };
    private static readonly Parameter Speed = new("speed", ParameterKind.Choice) { Choices = ["1", "4", "max"] };
    private static readonly Parameter OtherTurn = new("other_turn_id", ParameterKind.Turn, IsRequired: true);
    private static readonly Parameter OtherSession = new("other_session_id", ParameterKind.Session);

    public string Context => "time";

    public string? Holon => "trace";

    public string Summary => "turns of the past";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        new("witness", Scopes.Read, "how a turn went: its events, when each came, and what it came to", Parameter.SessionId, Parameter.TurnId),
        new("query", Scopes.Read, "the turns of a session that contain a text, or ended so, the latest last", Parameter.SessionId, Contains, Status, Parameter.Limit),
        new("replay", Scopes.Read, "a turn as a stream again: with the pauses that it had, a quarter of them, or none", Parameter.SessionId, Parameter.TurnId, Speed) { IsStream = true },
        new("diff", Scopes.Read, "how the answer of one turn became that of another, word by word", Parameter.SessionId, Parameter.TurnId, OtherTurn, OtherSession),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var session = invocation.Arguments.Session!.Value;
        if (invocation.Aspect.Name == "query")
        {
            return await sessions.FindAsync(invocation.Tenant, session, cancellationToken) is null
                ? new AgenteseAnswer.Refused(Problem.SessionNotFound)
                : new AgenteseAnswer.Shown(await QueryAsync(invocation, session, cancellationToken));
        }

        var (found, problem) = await lookup.FindAsync(invocation.Tenant, session, invocation.Arguments.Turn!.Value, cancellationToken);
        if (problem is not null)
        {
            return new AgenteseAnswer.Refused(problem);
        }

        return invocation.Aspect.Name switch
        {
            "witness" => new AgenteseAnswer.Shown(await WitnessAsync(found!, cancellationToken)),
            "replay" => new AgenteseAnswer.Streamed(Replay(found!, invocation.Arguments.Text("speed") ?? "1")),
            _ => await DiffAsync(invocation, found!, cancellationToken),
        };
    }

    /// <summary>Without pauses it is the stream that every client resumes by; when the log has expired, the end of that.</summary>
    internal EventStream Replay(EndedTurn turn, string speed) =>
        turn.State.IsExpired ? new TurnStream(turn.Address, feeds) { Expired = turn.Answer }
        : speed == "max" ? new TurnStream(turn.Address, feeds)
        : new ReplayStream(turn, speed == "4" ? 4 : 1, reader, options.Value.HeartbeatInterval, time);

    private async Task<JsonObject> WitnessAsync(EndedTurn turn, CancellationToken cancellationToken)
    {
        var events = new JsonArray();
        DateTimeOffset? first = null;
        double? firstChunk = null;
        await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn.Address), 1, turn.State.LastEntry?.Sequence ?? 0, cancellationToken))
        {
            first ??= entry.Time;
            var kind = entry.Header(TurnHeaders.Event) ?? "";
            var offset = Math.Round((entry.Time - first.Value).TotalMilliseconds, 3);
            firstChunk ??= kind == TurnEventCodec.Chunk ? offset : null;

            // As many as it has pieces are of no use to anybody: of chunks only the first is told.
            if (TurnSse.IsSeen(kind) && (kind != TurnEventCodec.Chunk || firstChunk == offset))
            {
                events.Add(new JsonObject { ["event"] = TurnSse.NameOf(kind), ["id"] = entry.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture), ["offset_ms"] = offset });
            }
        }

        return new JsonObject
        {
            ["turn"] = (await past.FindAsync(turn.Address, cancellationToken))?.ToJson(),
            ["began_at"] = first,
            ["first_chunk_ms"] = firstChunk,
            ["events"] = events,
        }.WithoutNulls();
    }

    private async Task<JsonObject> QueryAsync(Invocation invocation, SessionId session, CancellationToken cancellationToken)
    {
        var (contains, status) = (invocation.Arguments.Text("contains"), invocation.Arguments.Text("status"));
        var latest = new Queue<PastTurn>();
        var matches = 0;
        await foreach (var turn in past.ReadAsync(invocation.Tenant, session, until: null, cancellationToken))
        {
            if ((status is null || status == turn.Status) && (contains is null || Has(turn.Message.Text) || Has(turn.Answer?.Text ?? "")))
            {
                matches++;
                latest.Enqueue(turn);
                if (latest.Count > invocation.Arguments.Page.Limit)
                {
                    latest.Dequeue();
                }
            }
        }

        return new JsonObject { ["matches"] = matches, ["turns"] = new JsonArray([.. latest.Select(turn => (JsonNode)turn.ToJson())]) };

        bool Has(string text) => text.Contains(contains, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<AgenteseAnswer> DiffAsync(Invocation invocation, EndedTurn turn, CancellationToken cancellationToken)
    {
        var session = invocation.Arguments.Find<SessionId>("other_session_id") ?? turn.Address.Session;
        var (other, problem) = await lookup.FindAsync(invocation.Tenant, session, invocation.Arguments.Find<TurnId>("other_turn_id")!.Value, cancellationToken);
        if (problem is not null)
        {
            return new AgenteseAnswer.Refused(problem);
        }

        return new AgenteseAnswer.Shown(new JsonObject
        {
            ["turn_id"] = turn.Address.Turn.ToString(),
            ["other_turn_id"] = other!.Address.Turn.ToString(),
            ["is_same"] = turn.Answer.Text == other.Answer.Text,
            ["models"] = new JsonObject { ["turn"] = turn.Answer.Model, ["other"] = other.Answer.Model },
            ["tokens_used"] = new JsonObject { ["turn"] = turn.Answer.Tokens.Total, ["other"] = other.Answer.Tokens.Total },
            ["answer"] = TextDifference.Of(turn.Answer.Text, other.Answer.Text),
        });
    }
}
