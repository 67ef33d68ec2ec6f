using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Api.Agentese;

/// <summary>
/// Reads the turns of a session, oldest first, each when its answer comes, and at the end those that have none. Turns of a session end in their order, so only those that wait are in memory. A message that
/// cannot be read is left out.
/// </summary>
internal sealed class PastTurns(JetStreamReader reader)
{
    private static readonly string Stream = Streams.Messages.Name;

    /// <param name="until">As it was then: what was stored later is not there yet. Null for now.</param>
    public async IAsyncEnumerable<PastTurn> ReadAsync(TenantId tenant, SessionId session, DateTimeOffset? until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subject = Subjects.Conversation(tenant, session);
        var open = new Dictionary<TurnId, UserMessage>();
        if (await reader.LastAsync(Stream, subject, cancellationToken) is not { } last)
        {
            yield break;
        }

        await foreach (var entry in reader.ReadAsync(Stream, subject, 1, last.Sequence, cancellationToken).TakeWhile(entry => entry.Sequence <= last.Sequence && !(entry.Time > until)))
        {
            if (entry.Subject.EndsWith(".user", StringComparison.Ordinal))
            {
                if (UserMessages.TryRead(entry.Data.Span) is { } message)
                {
                    open[message.Turn] = message;
                }
            }
            else if (SessionAnswers.TryRead(entry) is { } answer && open.Remove(answer.Turn, out var asked))
            {
                yield return new PastTurn(asked, answer);
            }
        }

        foreach (var message in open.Values.OrderBy(message => message.N))
        {
            yield return new PastTurn(message, Answer: null);
        }
    }

    /// <summary>Null when the session has no message of this turn that can be read.</summary>
    public ValueTask<PastTurn?> FindAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        ReadAsync(turn.Tenant, turn.Session, until: null, cancellationToken).FirstOrDefaultAsync(each => each.Message.Turn == turn.Turn, cancellationToken);
}
