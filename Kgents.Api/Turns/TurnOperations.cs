using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Tickets;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

internal static class TurnOperations
{
    public static Operation Get { get; } = new("getTurn", "Read the state of a turn") { Answers = [new(200, "The turn.", typeof(TurnResponse))] };

    public static Operation Follow { get; } = new("followTurn", "Follow a turn from any point, on any replica")
    {
        RequestHeaders = ["Last-Event-ID"],
        Answers =
        [
            new(200, "The events after the cursor. When the log has expired, the end alone, with `\"gap\": true`.") { Events = StreamEvent.OfTurn, Headers = ["Content-Location"] },
            new(204, "The turn has ended and the cursor is its last event: an EventSource stops here."),
        ],
        Problems = [Problem.TooManyStreams(100)],
    };

    public static Operation Ticket { get; } = new("issueTicket", "Get a ticket for the stream of a turn, for a browser's EventSource")
    {
        Answers = [new(200, "The ticket, to be sent as `?ticket=` in the place of a key.", typeof(TicketResponse))],
    };

    public static Operation Cancel { get; } = new("cancelTurn", "Cancel a turn")
    {
        Answers = [new(202, "The cancel is stored and cannot be lost, also when the turn is cancelled already; it has ended when its terminal event is there.") { Headers = ["Location"] }],
        Problems = [Problem.TurnFinished(TurnProblems.Turn, TurnStatus.Completed)],
    };
}
