using Kgents.Api.Messages;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.ServiceDefaults.Telemetry;

namespace Kgents.Api.Turns;

/// <summary>Finds a turn of a session. Whether it exists its messages decide, and not its log, which expires; both are read from the leader.</summary>
internal sealed class TurnStore(SessionAnswers answers, JetStreamReader reader)
{
    /// <summary>Null when the session never had such a turn.</summary>
    public async Task<TurnState?> FindAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        // All three at once: each is the truth at its own time, and where two of these do not fit together, one is read again below.
        var first = FirstEntryAsync(turn, cancellationToken);
        var last = LastEntryAsync(turn, cancellationToken);
        var answer = answers.FindAsync(turn, cancellationToken);
        await Task.WhenAll(first, last, answer);
        var state = new TurnState(await first, await last, await answer) { Trace = MessageSpans.Extract((await first)?.Headers) };
        if (state is { LastEntry: null, Answer: not null } or { FirstEntry: null, LastEntry: not null })
        {
            // All of the turn may have happened between the reads; a log that is not there after the answer has expired.
            state = state with { FirstEntry = await FirstEntryAsync(turn, cancellationToken), LastEntry = await LastEntryAsync(turn, cancellationToken) };
        }

        if (state is { HasEnd: true, Answer: null })
        {
            // The answer was stored before this end.
            state = state with { Answer = await answers.FindAsync(turn, cancellationToken) };
        }

        return state is { LastEntry: null, Answer: null } && !await IsWaitingAsync(turn, cancellationToken) ? null : state;
    }

    /// <summary>How often a worker began the turn: 0 while it waits, and when the log that would tell has expired.</summary>
    public async Task<int> AttemptsAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, 0, cancellationToken)
            .CountAsync(entry => entry.Header(TurnHeaders.Event) is TurnEventCodec.Accepted or TurnEventCodec.Restarted, cancellationToken);

    private Task<StoredEntry?> FirstEntryAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        reader.NextAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, cancellationToken).AsTask();

    private Task<StoredEntry?> LastEntryAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        reader.LastAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cancellationToken).AsTask();

    /// <summary>The log of a turn that nobody began is only its end. A commit that cannot be read may have been the end of more.</summary>
    public static bool IsBeginning(StoredEntry first)
    {
        var kind = first.Header(TurnHeaders.Event) ?? "";
        return kind == TurnEventCodec.Accepted
            || TurnEventCodec.TryDecode(kind, first.Data.Span, out var turnEvent) && turnEvent is TurnCommitted { Attempt: 0 };
    }

    /// <summary>A turn without log and answer can only be among the messages after the last answer.</summary>
    private async Task<bool> IsWaitingAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var subject = Subjects.UserMessages(turn.Tenant, turn.Session);
        return await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken) is { } last
            && (Conversation.TurnOf(last) == turn.Turn
                || await reader.ReadAsync(Streams.Messages.Name, subject, 1, last.Sequence, cancellationToken)
                    .AnyAsync(entry => Conversation.TurnOf(entry) == turn.Turn, cancellationToken));
    }
}
