using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Turns;

namespace Kgents.Streaming.Governance;

/// <summary>
/// Keeps each decision of governance, once, however often its turn is finished: it has a subject of its own, and is the first on it. It is kept before anybody can see
/// the decision; while it cannot be, the turn does not end.
/// </summary>
internal sealed class AuditLog(FencedPublisher publisher)
{
    public async Task KeepAsync(QueuedTurn turn, TurnCommitted commit, string text, CancellationToken cancellationToken)
    {
        var record = new AuditRecord(
            turn.Address.Tenant,
            turn.Address.Session,
            turn.Address.Turn,
            UserMessages.ReadAction(turn.Message.Text)!,
            Read(text),
            commit.Model,
            commit.Tokens,
            commit.CommittedAt);
        await publisher.AppendAsync(
            Streams.Audit.Name, Subjects.Audit(turn.Address), JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.AuditRecord), [], expectedLast: 0, _ => true, cancellationToken);
    }

    /// <summary>A log may have lost the text of a turn that is finished late; its session must not wait for that for ever.</summary>
    private static Judgement Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, WireJson.Default.Judgement)!;
        }
        catch (JsonException)
        {
            return new Judgement(Approved: false, "escalate", 0, "The text of the judgement is gone.", [], []);
        }
    }
}
