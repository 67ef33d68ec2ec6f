using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Sessions;

internal static class SessionOperations
{
    public static Operation Create { get; } = new("createSession", "Create a session")
    {
        Example = new CreateSessionRequest("Planning", DialogueModes.Advise, Model: null, BudgetTiers.Dialogue, new Dictionary<string, double> { ["joy"] = 0.9 }, new() { ["project"] = "atlas" }),
        Answers = [new(201, "The session.", typeof(SessionResponse)) { Headers = ["Location"] }],
        Problems = [Problem.NotInPlan("free", "budget", BudgetTiers.Deep), Problem.Invalid(422, "title", "must not be longer than 200 characters")],
    };

    public static Operation List { get; } = new("listSessions", "List sessions, newest first")
    {
        Answers = [new(200, "A page.", typeof(SessionPage))],
        Problems = [Problem.Invalid(400, "limit", "must be a number from 1")],
    };

    public static Operation Get { get; } = new("getSession", "Read a session with its counts") { Answers = [new(200, "The session.", typeof(SessionResponse))] };

    public static Operation Change { get; } = new("changeSession", "Rename a session, archive it, note something on it; what is left out stays")
    {
        Example = new ChangeSessionRequest("Done", SessionStatuses.Archived, Metadata: null),
        Answers = [new(200, "The session, changed.", typeof(SessionResponse))],
        Problems = [Problem.Invalid(422, "status", $"must be {SessionStatuses.Active} or {SessionStatuses.Archived}")],
    };

    public static Operation Delete { get; } = new("deleteSession", "Delete a session; its usage stays")
    {
        Answers = [new(202, "It is gone for everybody, also when it was deleted already; its messages and events are removed within seconds.")],
    };

    public static Operation Follow { get; } = new("followSession", "Follow all turns of a session on one connection")
    {
        RequestHeaders = ["Last-Event-ID"],
        Answers = [new(200, "The events of all turns, from the one after the cursor; it has no end.") { Events = StreamEvent.OfSession }],
        Problems = [Problem.TooManyStreams(100)],
    };
}
