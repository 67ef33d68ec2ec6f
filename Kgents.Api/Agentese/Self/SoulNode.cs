using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary><c>self.soul</c>: K-gent. What it is asked is a turn of KgentFlux, in a session that is given or a new one.</summary>
internal sealed class SoulNode(SessionStore sessions, PastTurns past, SoulQuestions soul) : IAgenteseNode
{
    private static readonly Parameter Session = new("session_id", ParameterKind.Session);

    public string Context => "self";

    public string? Holon => "soul";

    public string Summary => "K-gent, who answers";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        new("manifest", Scopes.Read, "who it is: in itself, or in a session", Session),
        new("witness", Scopes.Read, "what it was asked in a session and what it said, the latest last", Parameter.SessionId, Parameter.Limit),
        .. DialogueModes.All.Select(mode => new Aspect(mode, Scopes.Write, $"asks it in {mode} mode, in a session or a new one", Parameter.RequiredInput, Session, Parameter.Budget) { IsTurn = true, Modifiers = [PathModifiers.Phase] }),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (arguments, mode) = (invocation.Arguments, invocation.Aspect.Name);
        if (invocation.Aspect.IsTurn)
        {
            var question = new SoulQuestion(arguments.Input! + Phases.Told(invocation.Path), mode, SoulQuestions.Whole);
            return arguments.Session is { } given
                ? await soul.AskAsync(invocation, given, question, BusyPolicy.Reject, cancellationToken)
                : await soul.AskAsync(invocation, question, cancellationToken);
        }

        var session = arguments.Session is { } id ? await sessions.FindAsync(invocation.Tenant, id, cancellationToken) : null;
        return arguments.Session is not null && session is null ? new AgenteseAnswer.Refused(Problem.SessionNotFound)
            : new AgenteseAnswer.Shown(mode == "witness" ? await WitnessAsync(invocation, cancellationToken) : Manifest(session));
    }

    private static JsonObject Manifest(SessionRecord? session) => new()
    {
        ["name"] = "K-gent",
        ["mode"] = session?.Mode ?? DialogueModes.Reflect,
        ["modes"] = Texts(DialogueModes.All),
        ["eigenvectors"] = new JsonObject((session?.Eigenvectors ?? Eigenvectors.Default).Values().Select(each => KeyValuePair.Create(each.Key, (JsonNode?)each.Value))),
        ["preferences"] = Texts(Persona.Preferences),
        ["patterns"] = Texts(Persona.Patterns),
    };

    private async Task<JsonObject> WitnessAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var latest = new Queue<PastTurn>();
        await foreach (var turn in past.ReadAsync(invocation.Tenant, invocation.Arguments.Session!.Value, until: null, cancellationToken))
        {
            latest.Enqueue(turn);
            if (latest.Count > invocation.Arguments.Page.Limit)
            {
                latest.Dequeue();
            }
        }

        return new JsonObject { ["turns"] = new JsonArray([.. latest.Select(turn => (JsonNode)turn.ToJson())]) };
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);
}
