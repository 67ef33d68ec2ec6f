using Kgents.Api.Messages;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Sessions;

/// <summary>Where the stream of a session's turns begins.</summary>
/// <param name="After">The sequence after which it does.</param>
/// <param name="HasGap">The log has lost events that the client asked for, or may have.</param>
internal readonly record struct SessionStart(ulong After, bool HasGap);

/// <summary>Finds where a session's stream begins. The log forgets, and no hole may be silent: in doubt there is a gap.</summary>
internal sealed class SessionLog(JetStreamReader reader)
{
    private static readonly string Log = Streams.Tokens.Name;

    /// <summary>
    /// After the cursor; without one, with the turn that is under way, or else with what comes from now on; for 0 with all that the log still has.
    /// </summary>
    public async Task<SessionStart> FindStartAsync(TenantId tenant, SessionId session, ulong? cursor, CancellationToken cancellationToken)
    {
        // Before anything else is read: what is written meanwhile comes after this end, and so is followed.
        var (first, end) = await reader.RangeAsync(Log, cancellationToken);
        return cursor switch
        {
            null => await FindTurnUnderWayAsync(tenant, session, end, cancellationToken),
            0 => await FindBeginningAsync(tenant, session, end, cancellationToken),

            // Sequences count through all sessions: whether one that is gone was of this session nobody knows.
            { } after when first > 1 && after < first - 1 => new SessionStart(first - 1, HasGap: true),
            { } after => new SessionStart(Math.Min(after, end), HasGap: false),
        };
    }

    private async Task<SessionStart> FindTurnUnderWayAsync(TenantId tenant, SessionId session, ulong end, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Log, Subjects.SessionTokens(tenant, session), cancellationToken);
        if (last is null || TurnEventCodec.IsTerminal(last.Header(TurnHeaders.Event) ?? "")
            || await reader.NextAsync(Log, last.Subject, 1, cancellationToken) is not { } first)
        {
            return new SessionStart(Math.Max(end, last?.Sequence ?? 0), HasGap: false);
        }

        return new SessionStart(first.Sequence - 1, HasGap: !TurnStore.IsBeginning(first));
    }

    private async Task<SessionStart> FindBeginningAsync(TenantId tenant, SessionId session, ulong end, CancellationToken cancellationToken)
    {
        // The answer before the log: a turn has entries before it has an answer.
        var answer = await reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), cancellationToken);
        if (await reader.NextAsync(Log, Subjects.SessionTokens(tenant, session), 1, cancellationToken) is not { } first)
        {
            return answer is null ? default : new SessionStart(end, HasGap: true);
        }

        var message = await reader.NextAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), 1, cancellationToken);
        var isWhole = TurnStore.IsBeginning(first) && (message is null || Conversation.TurnOf(message) is not { } turn || turn == Subjects.TurnOf(first.Subject));
        return new SessionStart(first.Sequence - 1, HasGap: !isWhole);
    }
}
