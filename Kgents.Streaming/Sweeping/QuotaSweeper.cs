using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Sessions;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>
/// Gives back the places in a quota that nobody else will: of a turn that was answered, by a worker that died before it settled it; and of one whose message was never stored, or
/// is gone with its session, or which was settled before it took the place again.
/// </summary>
internal sealed partial class QuotaSweeper(TenantQuota quota, SessionAnswers answers, JetStreamReader reader, IOptions<SweepOptions> options, TimeProvider time, ILogger<QuotaSweeper> logger)
{
    public async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        await foreach (var (turn, since) in quota.OpenSinceAsync(time.GetUtcNow() - options.Value.QuotaAge, cancellationToken))
        {
            var answer = await answers.FindAsync(turn, cancellationToken);
            if (answer is not null && answer.CreatedAt >= since)
            {
                await quota.SettleAsync(turn, answer.Tokens.Total, answer.CreatedAt, cancellationToken);
                LogSettled(turn.Turn);
            }
            else if (answer is not null || !await HasMessageAsync(turn, cancellationToken))
            {
                await quota.ReleaseAsync(turn, cancellationToken);
                LogReleased(turn.Turn);
            }
        }
    }

    private async Task<bool> HasMessageAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await reader.ReadAsync(Streams.Messages.Name, Subjects.UserMessages(turn.Tenant, turn.Session), 1, 0, cancellationToken)
            .AnyAsync(entry => UserMessages.Read(entry, n: 0).Turn == turn.Turn, cancellationToken);

    [LoggerMessage(LogLevel.Warning, "Turn {Turn} was answered and not settled in its tenant's quota; it is now.")]
    private partial void LogSettled(TurnId turn);

    [LoggerMessage(LogLevel.Information, "Turn {Turn} was never stored, or is gone; its place in its tenant's quota is free again.")]
    private partial void LogReleased(TurnId turn);
}
