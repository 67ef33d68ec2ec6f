using System.Diagnostics;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>How far a turn is.</summary>
/// <param name="FirstEntry">The first that its log has, which is not its beginning when that has expired.</param>
/// <param name="LastEntry">The end of its log; null before a worker began it, and after the log has expired.</param>
/// <param name="Answer">How it ended; null while it has not.</param>
internal sealed record TurnState(StoredEntry? FirstEntry, StoredEntry? LastEntry, AssistantMessage? Answer)
{
    /// <summary>The trace in which it runs, if its log tells.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>Its log has the terminal event. The answer is stored before that, so a turn that is answered may still have its end to tell.</summary>
    public bool HasEnd => LastEntry is { } entry && TurnEventCodec.IsTerminal(KindOf(entry));

    /// <summary>The turn ended so long ago that only its answer is left whole.</summary>
    public bool IsExpired => Answer is not null && (LastEntry is null || FirstEntry is null || !TurnStore.IsBeginning(FirstEntry));

    /// <summary>How the turn is decided: by its answer, or by the commit that the answer will be made from; null while it is open.</summary>
    public TurnStatus? Decided => Answer?.Status
        ?? (LastEntry is { } entry && TurnEventCodec.TryDecode(KindOf(entry), entry.Data.Span, out var last) && last is TurnCommitted commit ? commit.Status : null);

    /// <summary>The sequence up to which events after the cursor are gone, or may be; null when none is.</summary>
    public ulong? LostThrough(ulong cursor) => FirstEntry is { } first && !TurnStore.IsBeginning(first) && cursor < first.Sequence - 1 ? first.Sequence - 1 : null;

    private static string KindOf(StoredEntry entry) => entry.Header(TurnHeaders.Event) ?? "";
}
