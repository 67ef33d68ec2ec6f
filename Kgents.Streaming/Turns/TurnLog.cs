using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;

namespace Kgents.Streaming.Turns;

/// <summary>
/// The writing end of a turn's log: one append at a time, each fenced by the one before, so that of two workers only one can go on.
/// </summary>
internal sealed class TurnLog(FencedPublisher publisher, TurnAddress turn, ulong lastSequence)
{
    private readonly string subject = Subjects.Tokens(turn);
    private readonly string run = Guid.NewGuid().ToString("n");
    private int index;

    /// <summary>The sequence of the log's last entry, as far as this writer knows.</summary>
    public ulong LastSequence { get; private set; } = lastSequence;

    /// <summary>A commit was sent. When its append was given up, it may be stored all the same, and after a commit comes nothing but the end.</summary>
    public bool MayBeCommitted { get; private set; }

    /// <exception cref="FenceLostException">Another writer was there first.</exception>
    public Task AppendAsync(TurnEvent turnEvent, CancellationToken cancellationToken) =>
        AppendAsync(TurnEventCodec.KindOf(turnEvent), TurnEventCodec.Encode(turnEvent), cancellationToken);

    /// <summary>Appends an event that is encoded already.</summary>
    /// <exception cref="FenceLostException">Another writer was there first.</exception>
    public async Task AppendAsync(string kind, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var result = await TryAppendAsync(kind, payload, cancellationToken);
        if (!result.IsStored)
        {
            throw new FenceLostException(result.Winner is { } winner
                ? $"Turn {turn.Turn} has another writer since {winner.Sequence}."
                : $"The log of turn {turn.Turn} is gone.");
        }
    }

    /// <summary>Appends the end of the turn. Another worker that finished the same commit has written the same event: that is no loss.</summary>
    public async Task AppendTerminalAsync(TurnEvent turnEvent, CancellationToken cancellationToken)
    {
        var result = await TryAppendAsync(TurnEventCodec.KindOf(turnEvent), TurnEventCodec.Encode(turnEvent), cancellationToken);
        if (!result.IsStored && !TurnEventCodec.IsTerminal(result.Winner?.Header(TurnHeaders.Event) ?? ""))
        {
            throw new FenceLostException($"Turn {turn.Turn} could not be ended: its log has another writer or is gone.");
        }
    }

    private async Task<FencedResult> TryAppendAsync(string kind, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        MayBeCommitted |= kind == TurnEventCodec.Committed;
        var writer = $"{run}:{index++}";
        while (true)
        {
            var result = await publisher.AppendAsync(
                Streams.Tokens.Name,
                subject,
                payload,
                kind == TurnEventCodec.Accepted && MessageSpans.Parent() is { } trace
                    ? [new(TurnHeaders.Event, kind), new(TurnHeaders.Writer, writer), new(MessageSpans.TraceParent, trace)]
                    : [new(TurnHeaders.Event, kind), new(TurnHeaders.Writer, writer)],
                LastSequence,
                entry => entry.Header(TurnHeaders.Writer) == writer,
                cancellationToken);
            LastSequence = result.IsStored ? result.Sequence : LastSequence;
            if (result.Winner?.Header(TurnHeaders.Writer)?.StartsWith(run, StringComparison.Ordinal) != true)
            {
                return result;
            }

            // An append of ours that was given up, and was stored after all, is in the way: go on behind it.
            LastSequence = result.Winner.Sequence;
        }
    }
}
