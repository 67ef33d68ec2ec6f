using System.Text.Json;
using Kgents.Api.Messages;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>Finds a turn of a session. Whether it exists its messages decide, and not its log, which expires; both are read from the leader.</summary>
internal sealed class TurnStore(JetStreamReader reader)
{
    /// <summary>Null when the session never had such a turn.</summary>
    public async Task<TurnState?> FindAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var lastEntry = await LastEntryAsync(turn, cancellationToken);
        var answer = await FindAnswerAsync(turn, cancellationToken);
        if (lastEntry is null && answer is not null)
        {
            // All of the turn may have happened between the two reads; a log that is not there after the answer has expired.
            lastEntry = await LastEntryAsync(turn, cancellationToken);
        }

        return lastEntry is not null || answer is not null || await IsWaitingAsync(turn, cancellationToken)
            ? new TurnState(lastEntry, answer)
            : null;
    }

    /// <summary>How often a worker began the turn: 0 while it waits, and when the log that would tell has expired.</summary>
    public async Task<int> AttemptsAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, 0, cancellationToken)
            .CountAsync(entry => entry.Header(TurnHeaders.Event) is TurnEventCodec.Accepted or TurnEventCodec.Restarted, cancellationToken);

    /// <summary>The end of the log, unless its beginning has expired already: a log without its beginning would be a silent hole.</summary>
    private async Task<StoredEntry?> LastEntryAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var first = await reader.NextAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, cancellationToken);
        return first is not null && IsBeginning(first) ? await reader.LastAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cancellationToken) : null;
    }

    /// <summary>The log of a turn that nobody began is only its end.</summary>
    private static bool IsBeginning(StoredEntry first) => TurnEventCodec.Decode(first.Header(TurnHeaders.Event) ?? "", first.Data.Span) switch
    {
        TurnCommitted commit => commit.Attempt == 0,
        var turnEvent => turnEvent is TurnAccepted,
    };

    private async Task<AssistantMessage?> FindAnswerAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var subject = Subjects.AssistantMessages(turn.Tenant, turn.Session);
        if (await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken) is not { } last)
        {
            return null;
        }

        var answer = Read(last);
        return answer.Turn == turn.Turn
            ? answer
            : await reader.ReadAsync(Streams.Messages.Name, subject, 1, last.Sequence, cancellationToken)
                .Select(Read)
                .FirstOrDefaultAsync(each => each.Turn == turn.Turn, cancellationToken);
    }

    /// <summary>A turn without log and answer can only be among the messages after the last answer.</summary>
    private async Task<bool> IsWaitingAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var subject = Subjects.UserMessages(turn.Tenant, turn.Session);
        return await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken) is { } last
            && await reader.ReadAsync(Streams.Messages.Name, subject, 1, last.Sequence, cancellationToken)
                .AnyAsync(entry => Conversation.TurnOf(entry) == turn.Turn, cancellationToken);
    }

    private static AssistantMessage Read(StoredEntry entry) => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage)!;
}
