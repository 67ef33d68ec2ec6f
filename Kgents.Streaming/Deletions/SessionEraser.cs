using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Governance;
using Kgents.Streaming.Turns;
using Kgents.Streaming.Usage;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Streaming.Deletions;

/// <summary>
/// Removes what the streams hold of a session: messages, logs and marks of its turns, and what was changed of it. Usage and decisions stay. Nothing that is billed or audited is lost with a log: it is
/// purged only up to where it was looked through.
/// </summary>
internal sealed class SessionEraser(INatsJSContext jetStream, JetStreamReader reader, TurnCloser closer, UsagePublisher usage, AuditLog audit)
{
    /// <summary>Ends the logs that have a commit and no terminal event, for whoever follows them; how many those were.</summary>
    public async Task<int> EndLogsAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var promises = await PromisesAsync(tenant, session, cancellationToken);
        foreach (var (turn, commit) in promises)
        {
            await KeepAsync(turn, commit, cancellationToken);
            await closer.EndLogAsync(turn, errorCode: null, cancellationToken);
        }

        return promises.Count;
    }

    /// <summary>May be repeated, at any time and by several at once.</summary>
    public async Task EraseAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        // The messages first: they are what would make a worker begin a log anew.
        await PurgeAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session), upTo: 0, cancellationToken);
        var logs = Subjects.SessionTokens(tenant, session);
        while (await reader.LastAsync(Streams.Tokens.Name, logs, cancellationToken) is { } last)
        {
            foreach (var (turn, commit) in await PromisesAsync(tenant, session, cancellationToken))
            {
                await KeepAsync(turn, commit, cancellationToken);
            }

            await PurgeAsync(Streams.Tokens.Name, logs, last.Sequence, cancellationToken);
        }

        await PurgeAsync(Subjects.KeyValueStream(Buckets.Cancels), Subjects.SessionCancelMarks(tenant, session), upTo: 0, cancellationToken);
        await PurgeAsync(Subjects.KeyValueStream(Buckets.SessionDetails), Subjects.SessionDetails(tenant, session), upTo: 0, cancellationToken);
    }

    /// <summary>What outlives the session.</summary>
    private async Task KeepAsync(TurnAddress turn, TurnCommitted commit, CancellationToken cancellationToken)
    {
        await usage.PublishAsync(turn, commit.UsageEvents, cancellationToken);
        await audit.KeepAsync(turn, commit, cancellationToken);
    }

    /// <summary>The commits without a terminal event: who finished them, and how far, is not known.</summary>
    private async Task<Dictionary<TurnAddress, TurnCommitted>> PromisesAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var open = new Dictionary<TurnAddress, TurnCommitted>();
        var logs = Subjects.SessionTokens(tenant, session);
        if (await reader.LastAsync(Streams.Tokens.Name, logs, cancellationToken) is not { } last)
        {
            return open;
        }

        await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, logs, 1, last.Sequence, cancellationToken))
        {
            var kind = entry.Header(TurnHeaders.Event) ?? "";
            if (kind is TurnEventCodec.Chunk || !Subjects.TryParseTokens(entry.Subject, out var turn))
            {
                continue;
            }

            if (TurnEventCodec.IsTerminal(kind))
            {
                open.Remove(turn);
            }
            else if (TurnEventCodec.TryDecode(kind, entry.Data.Span, out var turnEvent) && turnEvent is TurnCommitted commit)
            {
                open[turn] = commit;
            }
        }

        return open;
    }

    /// <param name="upTo">The last sequence to go; 0 for all.</param>
    private async Task PurgeAsync(string stream, string subject, ulong upTo, CancellationToken cancellationToken) =>
        await jetStream.PurgeStreamAsync(stream, new StreamPurgeRequest { Filter = subject, Seq = upTo == 0 ? 0 : upTo + 1 }, cancellationToken);
}
