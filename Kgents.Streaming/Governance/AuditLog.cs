using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Governance;

/// <summary>
/// Keeps each decision of governance, once, however often its turn is finished: it has a subject of its own, and is the first on it. It is kept before anybody can see
/// the decision; while it cannot be, the turn does not end.
/// </summary>
internal sealed class AuditLog(FencedPublisher publisher)
{
    /// <summary>What the commit says is all that is needed: message, text and session may be gone.</summary>
    public async Task KeepAsync(TurnAddress turn, TurnCommitted commit, CancellationToken cancellationToken)
    {
        if (commit.Decision is { } decision)
        {
            var record = new AuditRecord(turn.Tenant, turn.Session, turn.Turn, decision.Proposed, decision.Judgement, commit.Model, commit.Tokens, commit.CommittedAt);
            await publisher.AppendAsync(
                Streams.Audit.Name, Subjects.Audit(turn), JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.AuditRecord), [], expectedLast: 0, _ => true, cancellationToken);
        }
    }
}
