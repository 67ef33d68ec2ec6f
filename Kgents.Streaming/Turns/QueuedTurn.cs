using System.Diagnostics;
using Kgents.Contracts;
using Kgents.Streaming.Sessions;

namespace Kgents.Streaming.Turns;

/// <summary>A user message that this worker holds, with the end of the chain that it follows.</summary>
/// <param name="UserSequence">The message's sequence in KGENTS_MESSAGES.</param>
internal sealed record QueuedTurn(TurnAddress Address, UserMessage Message, ulong UserSequence, ChainEnd Before)
{
    /// <summary>The span of whoever stored the message.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>When the message was stored.</summary>
    public DateTimeOffset StoredAt { get; init; }
}
