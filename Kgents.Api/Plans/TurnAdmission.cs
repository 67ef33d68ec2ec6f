using System.Text;
using Kgents.Api.Messages;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;

namespace Kgents.Api.Plans;

/// <summary>
/// Takes a turn into its tenant's quota before its message is stored, with as many tokens as it may use by its budget. The worker, which knows the whole prompt, reserves exactly
/// before it calls the model, and settles when the turn has ended.
/// </summary>
internal sealed class TurnAdmission(PlanCatalog plans, TenantQuota quota, TimeProvider time)
{
    /// <summary>Of most languages; the worker counts.</summary>
    private const int BytesPerToken = 4;

    /// <summary>Turns end within seconds.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>Null when the turn may be stored. May be repeated for the same turn.</summary>
    public async Task<Acceptance?> ReserveAsync(NewMessage message, TurnId turn, CancellationToken cancellationToken)
    {
        if (message.TokenQuota is not { } tokens)
        {
            return null;
        }

        var cap = BudgetTiers.MaxOutputTokens(message.Budget);
        var input = cap == 0 ? 0 : (Encoding.UTF8.GetByteCount(message.Text) + BytesPerToken - 1) / BytesPerToken;
        var answer = await quota.ReserveAsync(
            new TurnAddress(message.Tenant, message.Session, turn), input + Math.Min(cap, 1), input + cap, tokens, plans.Of(message.Tenant).Turns, cancellationToken);
        return answer switch
        {
            QuotaAnswer.TooManyTurns => new Acceptance.OverQuota("turns", Soon),
            QuotaAnswer.TooFewTokens { IsHeld: true } => new Acceptance.OverQuota("tokens", Soon),
            QuotaAnswer.TooFewTokens => new Acceptance.OverQuota("tokens", UntilNextMonth()),
            _ => null,
        };
    }

    /// <summary>For a turn that is not stored, and never will be.</summary>
    public Task ReleaseAsync(NewMessage message, TurnId turn, CancellationToken cancellationToken) =>
        message.TokenQuota is null ? Task.CompletedTask : quota.ReleaseAsync(new TurnAddress(message.Tenant, message.Session, turn), cancellationToken);

    private TimeSpan UntilNextMonth()
    {
        var now = time.GetUtcNow();
        return new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1) - now;
    }
}
