using System.Runtime.CompilerServices;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Logging;

namespace Kgents.ServiceDefaults.Sessions;

/// <summary>An answer and its sequence.</summary>
public sealed record StoredAnswer(ulong Sequence, AssistantMessage Answer);

/// <summary>
/// The answers of a session. One that cannot be read ended a turn all the same: the first that waited for its answer when it was stored. So the place and
/// the number of what follows are as if it could be read, and its session goes on.
/// </summary>
public sealed partial class SessionAnswers(JetStreamReader reader, ILogger<SessionAnswers> logger)
{
    /// <summary>The last answer, from the leader; null for a session without one.</summary>
    public async Task<StoredAnswer?> LastAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), cancellationToken);
        return last is null ? null
            : TryRead(last) is { } answer ? new StoredAnswer(last.Sequence, answer)
            : await ReadAsync(tenant, session, last.Sequence, cancellationToken).LastOrDefaultAsync(cancellationToken);
    }

    /// <summary>The answer of a turn; null when it has none.</summary>
    public async Task<AssistantMessage?> FindAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await LastAsync(turn.Tenant, turn.Session, cancellationToken) is not { } last ? null
            : last.Answer.Turn == turn.Turn ? last.Answer
            : (await ReadAsync(turn.Tenant, turn.Session, last.Sequence, cancellationToken).FirstOrDefaultAsync(stored => stored.Answer.Turn == turn.Turn, cancellationToken))?.Answer;

    /// <summary>All answers up to a sequence that the caller knows from the leader, oldest first.</summary>
    public async IAsyncEnumerable<StoredAnswer> ReadAsync(TenantId tenant, SessionId session, ulong upTo, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        AssistantMessage? answer = null;
        await foreach (var entry in reader.ReadAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), 1, upTo, cancellationToken)
            .TakeWhile(entry => entry.Sequence <= upTo))
        {
            answer = TryRead(entry) ?? await StandInAsync(tenant, session, entry, answer, cancellationToken);
            yield return new StoredAnswer(entry.Sequence, answer);
        }
    }

    /// <summary>Null when the bytes are not an answer.</summary>
    public static AssistantMessage? TryRead(StoredEntry entry)
    {
        try
        {
            return JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage) is { Text: not null, Tokens: not null, Totals: not null } answer
                && answer.Turn != default ? answer : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>What stands for an answer that cannot be read. One that came when no turn waited for it ended none, and takes no number.</summary>
    private async Task<AssistantMessage> StandInAsync(TenantId tenant, SessionId session, StoredEntry entry, AssistantMessage? before, CancellationToken cancellationToken)
    {
        LogUnreadable(entry.Sequence, session);
        var (n, userSequence, totals) = (before?.N ?? 0, before?.UserSequence ?? 0, before?.Totals ?? SessionTotals.None);
        var next = await reader.NextAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), userSequence + 1, cancellationToken);
        var message = next?.Sequence < entry.Sequence ? UserMessages.Read(next, n + 1) : null;
        return new AssistantMessage(
            message?.Turn ?? UserMessages.TurnOf(entry.Sequence),
            message?.N ?? n,
            message is null ? userSequence : next!.Sequence,
            TurnStatus.Failed,
            Text: "",
            Model: "",
            TokenCounts.None,
            TurnErrorCodes.UnreadableAnswer,
            entry.Time,
            message is null ? totals : totals.Add(TokenCounts.None, messages: 1));
    }

    [LoggerMessage(LogLevel.Error, "The answer {Sequence} of session {Session} cannot be read; its turn counts as failed.")]
    private partial void LogUnreadable(ulong sequence, SessionId session);
}
