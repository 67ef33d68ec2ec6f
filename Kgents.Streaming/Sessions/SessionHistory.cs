using Kgents.Contracts;
using Kgents.Flux;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sessions;

/// <summary>What was said in a session before a turn, paired by turn, so that messages which still wait in the queue are left out.</summary>
internal sealed class SessionHistory(JetStreamReader reader, IOptions<TurnOptions> options)
{
    public async Task<SoulMemory> ReadAsync(TenantId tenant, SessionId session, ChainEnd end, CancellationToken cancellationToken)
    {
        var memory = new SoulMemory(options.Value.HistoryTokens, options.Value.HistoryTurns);
        if (end.Answer is null || options.Value.HistoryTurns == 0)
        {
            return memory;
        }

        var asked = new Dictionary<TurnId, string>();
        await foreach (var entry in reader.ReadAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session), 1, end.Sequence, cancellationToken))
        {
            if (entry.Subject == Subjects.AssistantMessages(tenant, session))
            {
                if (SessionAnswers.TryRead(entry) is { } answer && asked.Remove(answer.Turn, out var question))
                {
                    memory.Add(question, answer.Text);
                }
            }
            else if (UserMessages.TryRead(entry.Data.Span) is { Kind: null } user && !string.IsNullOrWhiteSpace(user.Text))
            {
                asked[user.Turn] = user.Text;
            }
        }

        return memory;
    }
}
