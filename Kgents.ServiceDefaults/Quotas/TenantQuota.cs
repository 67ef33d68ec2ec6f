using System.Globalization;
using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Quotas;

/// <summary>
/// The tokens of each tenant's month, and its open turns: one record, changed by compare-and-set. A turn reserves before its model is called and is settled after it, so
/// that turns side by side cannot use more than there is. Both are said by turn, so each may be repeated by whoever goes on with it. A turn that is reserved
/// for again after it was settled is found and released by the sweeper.
/// </summary>
public sealed class TenantQuota(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>More than clocks differ by that are right.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromDays(1);

    private readonly BucketRecords<QuotaRecord> records = new(Buckets.QuotaRecords, WireJson.Default.QuotaRecord, reader, publisher, time) { SameBytesAreOneChange = true };

    /// <summary>The month of UTC that an instant lies in, as a record names it.</summary>
    public static string PeriodOf(DateTimeOffset instant) => instant.ToUniversalTime().ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>Reserves as much as there is, or changes what the turn has reserved.</summary>
    /// <param name="atLeast">With less the turn is of no use, and is refused.</param>
    /// <param name="tokensPerMonth">0 for no limit.</param>
    /// <param name="turns">Turns that may be open with this one; 0 for no limit.</param>
    public async Task<QuotaAnswer> ReserveAsync(TurnAddress turn, long atLeast, long atMost, long tokensPerMonth, int turns, CancellationToken cancellationToken)
    {
        QuotaAnswer answer = new QuotaAnswer.Granted(atMost);
        await ChangeAsync(turn.Tenant, Reserve, cancellationToken);
        return answer;

        QuotaRecord? Reserve(QuotaRecord quota)
        {
            var now = time.GetUtcNow();
            quota = At(quota, now);
            var own = quota.Open.GetValueOrDefault(turn.Turn.ToString());
            if (own is null && turns > 0 && quota.Open.Count >= turns)
            {
                answer = new QuotaAnswer.TooManyTurns();
                return null;
            }

            var held = quota.Open.Values.Sum(open => open.Tokens) - (own?.Tokens ?? 0);
            var granted = tokensPerMonth == 0 ? atMost : Math.Min(atMost, tokensPerMonth - quota.Settled - held);
            if (granted < atLeast)
            {
                var isHeld = tokensPerMonth - quota.Settled >= atLeast;
                answer = new QuotaAnswer.TooFewTokens(isHeld);

                // Once in a period, for whoever is to be told; what is held may be given back.
                var limited = Limited(quota, own is null ? tokensPerMonth : quota.Limit);
                return isHeld || limited.RefusedAt is not null ? null : limited with { RefusedAt = now };
            }

            answer = new QuotaAnswer.Granted(granted);
            if (own?.Tokens == granted)
            {
                return null;
            }

            // A worker asks with the limit that there was when the message was posted, which may have changed since.
            return With(own is null ? Limited(quota, tokensPerMonth) : quota, turn, new OpenTurn(turn.Session, granted, own?.Since ?? now));
        }
    }

    /// <summary>The turn has ended and used so much. One that is settled already stays as it is; one that ended in an earlier month is none of this one, however late it is settled.</summary>
    public Task SettleAsync(TurnAddress turn, long tokens, DateTimeOffset at, CancellationToken cancellationToken)
    {
        return ChangeAsync(turn.Tenant, Settle, cancellationToken);

        QuotaRecord? Settle(QuotaRecord quota)
        {
            if (!quota.Open.ContainsKey(turn.Turn.ToString()))
            {
                return null;
            }

            // The month is that of now, and never goes back to that of the turn; the clock of whoever ended it may be a little ahead.
            var now = time.GetUtcNow();
            var ended = at > now + ClockSkew ? now : at;
            var current = Without(At(quota, ended > now ? ended : now), turn);
            return current.Period == PeriodOf(ended) ? current with { Settled = current.Settled + tokens } : current;
        }
    }

    /// <summary>The turn was never begun, or nothing is known of it.</summary>
    public Task ReleaseAsync(TurnAddress turn, CancellationToken cancellationToken) => ChangeAsync(
        turn.Tenant, quota => quota.Open.ContainsKey(turn.Turn.ToString()) ? Without(quota, turn) : null, cancellationToken);

    /// <summary>
    /// Corrects what is settled, by as much as it differed from what was recorded when it was <paramref name="seen"/>: what was settled since stays. Of several that compared the same, the first corrects it.
    /// </summary>
    public Task RebaseAsync(TenantId tenant, QuotaRecord seen, long difference, CancellationToken cancellationToken) => ChangeAsync(
        tenant,
        quota => At(quota, time.GetUtcNow()) is var current && (current.Period, current.RebasedAt) == (seen.Period, seen.RebasedAt)
            ? current with { Settled = Math.Max(0, current.Settled + difference), RebasedAt = time.GetUtcNow() }
            : null,
        cancellationToken);

    /// <summary>All turns that are open since before an instant.</summary>
    public async IAsyncEnumerable<(TurnAddress Turn, DateTimeOffset Since)> OpenSinceAsync(DateTimeOffset before, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (quota, tenant) in AllAsync(cancellationToken))
        {
            foreach (var (turn, open) in quota.Open)
            {
                if (open.Since < before)
                {
                    yield return (new TurnAddress(tenant, open.Session, TurnId.Parse(turn)), open.Since);
                }
            }
        }
    }

    public async Task<QuotaRecord?> FindAsync(TenantId tenant, CancellationToken cancellationToken) =>
        await records.FindAsync(SubjectOf(tenant), cancellationToken) is var (quota, _) ? At(quota, time.GetUtcNow()) : null;

    /// <summary>Of all tenants that have one, as they were stored.</summary>
    public async IAsyncEnumerable<(QuotaRecord Quota, TenantId Tenant)> AllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (quota, subject) in records.ReadAsync(Subjects.AllQuotas, cancellationToken))
        {
            if (Subjects.TryParseTenant(subject, out var tenant))
            {
                yield return (quota, tenant);
            }
        }
    }

    /// <param name="change">Null when nothing is to change. It is asked again when another change came first.</param>
    private async Task ChangeAsync(TenantId tenant, Func<QuotaRecord, QuotaRecord?> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await records.ChangeOrCreateAsync(SubjectOf(tenant), quota => change(quota ?? new QuotaRecord(PeriodOf(time.GetUtcNow()), 0, new Dictionary<string, OpenTurn>())), cancellationToken);
                return;
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                // An outage of NATS is no answer: whoever asks waits, as long as its token lets it. Each change is said by turn, so it may be made again.
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }

    /// <summary>The record in the month of an instant; a later one begins with nothing settled, and the turns that are open.</summary>
    private static QuotaRecord At(QuotaRecord quota, DateTimeOffset instant) =>
        string.CompareOrdinal(PeriodOf(instant), quota.Period) > 0 ? quota with { Period = PeriodOf(instant), Settled = 0, RefusedAt = null }

        // Whoever wrote a month that is far from beginning had a wrong clock: what is settled is this month's.
        : string.CompareOrdinal(quota.Period, PeriodOf(instant + ClockSkew)) > 0 ? quota with { Period = PeriodOf(instant) }
        : quota;

    /// <summary>Under another limit nothing was refused yet.</summary>
    private static QuotaRecord Limited(QuotaRecord quota, long limit) => quota.Limit == limit ? quota : quota with { Limit = limit, RefusedAt = null };

    private static QuotaRecord With(QuotaRecord quota, TurnAddress turn, OpenTurn open) =>
        quota with { Open = new Dictionary<string, OpenTurn>(quota.Open) { [turn.Turn.ToString()] = open } };

    private static QuotaRecord Without(QuotaRecord quota, TurnAddress turn)
    {
        var open = new Dictionary<string, OpenTurn>(quota.Open);
        open.Remove(turn.Turn.ToString());
        return quota with { Open = open };
    }

    private static string SubjectOf(TenantId tenant) => Subjects.KeyValue(Buckets.Quota, tenant.ToString());
}
