using Kgents.Contracts;

namespace Kgents.Streaming.Sessions;

/// <summary>The last answer of a session and its sequence; both empty for a session without one.</summary>
internal sealed record ChainEnd(ulong Sequence, AssistantMessage? Answer)
{
    public static ChainEnd Empty { get; } = new(0, null);

    public long N => Answer?.N ?? 0;

    public ulong UserSequence => Answer?.UserSequence ?? 0;

    public SessionTotals Totals => Answer?.Totals ?? SessionTotals.None;
}
