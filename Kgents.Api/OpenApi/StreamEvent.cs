using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.OpenApi;

/// <summary>An event of a stream, for the document of the API, which has no form for it.</summary>
internal sealed record StreamEvent(string Name, Type Data, string When)
{
    public static IReadOnlyList<StreamEvent> OfTurn { get; } =
    [
        new("gap", typeof(LogGap), "the log does not reach back to the cursor"),
        new("accepted", typeof(TurnAccepted), "a worker began the turn"),
        new("chunk", typeof(TurnChunk), "a piece of the answer"),
        new("usage", typeof(FinalUsage), "what the turn has used: so far, an estimate, and once, with `final` true, before its end"),
        new("restarted", typeof(TurnRestarted), "another worker began anew: the chunks before this no longer count"),
        new("complete", typeof(TurnCompleted), "terminal: the answer is whole"),
        new("error", typeof(TurnFailed), "terminal: the turn failed"),
        new("cancelled", typeof(TurnCancelled), "terminal: somebody cancelled the turn"),
    ];

    public static IReadOnlyList<StreamEvent> OfSession { get; } =
    [
        new("turn", typeof(TurnName), "whose the following events are"),
        .. OfTurn,
    ];
}
