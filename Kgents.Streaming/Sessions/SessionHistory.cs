using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Flux;
using Kgents.Streaming.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sessions;

/// <summary>What was said in a session before a turn, paired by turn, so that messages which still wait in the queue are left out.</summary>
internal sealed class SessionHistory(JetStreamReader reader, IOptions<TurnOptions> options)
{
    public async Task<IReadOnlyList<FluxMessage>> ReadAsync(TenantId tenant, SessionId session, ChainEnd end, CancellationToken cancellationToken)
    {
        if (end.Answer is null || options.Value.HistoryTurns == 0)
        {
            return [];
        }

        var asked = new Dictionary<TurnId, string>();
        var size = 0;
        var turns = new Queue<(string Question, string Answer)>();
        await foreach (var entry in reader.ReadAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session), 1, end.Sequence, cancellationToken))
        {
            if (entry.Subject == Subjects.AssistantMessages(tenant, session))
            {
                var answer = JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage)!;
                if (asked.Remove(answer.Turn, out var question))
                {
                    turns.Enqueue((question, answer.Text));
                    size += SizeOf((question, answer.Text));
                }
            }
            else if (UserMessages.TryRead(entry.Data.Span) is { } user)
            {
                asked[user.Turn] = user.Text;
            }

            for (; turns.Count > options.Value.HistoryTurns || size > options.Value.HistoryCharacters; size -= SizeOf(turns.Dequeue()))
            {
                // The oldest go first.
            }
        }

        return [.. turns.SelectMany(Messages)];
    }

    private static int SizeOf((string Question, string Answer) turn) => turn.Question.Length + turn.Answer.Length;

    /// <summary>A turn that failed before it said anything leaves only its question.</summary>
    private static IEnumerable<FluxMessage> Messages((string Question, string Answer) turn)
    {
        yield return new FluxMessage(FromUser: true, turn.Question);
        if (turn.Answer.Length > 0)
        {
            yield return new FluxMessage(FromUser: false, turn.Answer);
        }
    }
}
