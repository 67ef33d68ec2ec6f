using Kgents.Api.Usage;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Quotas;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>
/// Compares what is settled in each tenant's month with what was recorded for it, and corrects it: whatever a death or a wrong clock left there lasts no longer than the interval. A turn is recorded
/// before it is settled, so of what is recorded the turns that are still open are left out.
/// </summary>
internal sealed partial class QuotaRebase(TenantQuota quotas, LedgerMonths ledgers, MonthUsage usage, JetStreamReader reader, IOptions<QuotaOptions> options, TimeProvider time, ILogger<QuotaRebase> logger)
{
    /// <summary>Sums of an hour and a model that are in memory at once.</summary>
    private const int MostSums = 200_000;

    /// <summary>A tenant's turns end in between; each time only for a moment.</summary>
    private const int Tries = 20;

    private static readonly string[] Ended = [TurnEventCodec.Committed, TurnEventCodec.Completed, TurnEventCodec.Failed, TurnEventCodec.Cancelled];

    public async Task ApplyOnceAsync(CancellationToken cancellationToken)
    {
        // A little less than the interval, so that a replica's next look does not come just too early.
        var due = time.GetUtcNow() - (options.Value.RebaseInterval * 0.9);
        var tenants = await quotas.AllAsync(cancellationToken).Where(each => each.Quota.RebasedAt is null || each.Quota.RebasedAt <= due).Select(each => each.Tenant).ToHashSetAsync(cancellationToken: cancellationToken);
        await ApplyAsync(tenants, due, cancellationToken);
    }

    /// <summary>Those of the tenants that are still due when it is their turn: another replica may have begun at the same moment.</summary>
    internal async Task ApplyAsync(HashSet<TenantId> tenants, DateTimeOffset due, CancellationToken cancellationToken)
    {
        while (tenants.Count > 0)
        {
            var month = UsageWindow.Month(time.GetUtcNow());
            foreach (var (tenant, ledger) in await ledgers.ReadAsync(tenants, month, MostSums, cancellationToken))
            {
                await RebaseAsync(tenant, month, ledger, due, cancellationToken);
                tenants.Remove(tenant);
            }
        }
    }

    private async Task RebaseAsync(TenantId tenant, DateTimeOffset month, LedgerMonth ledger, DateTimeOffset due, CancellationToken cancellationToken)
    {
        if (ledger.Tokens is not { } tokens || await SeeAsync(tenant, cancellationToken) is not var (quota, last)
            || quota.Period != TenantQuota.PeriodOf(month))
        {
            // Of another month is what is settled when the month has just ended, or when whoever wrote it was there already.
            LogNotCompared(tenant);
            return;
        }

        if (quota.RebasedAt > due)
        {
            return;
        }

        var recent = await usage.ReadSinceAsync(tenant, month, ledger, last, cancellationToken);
        foreach (var (turn, open) in quota.Open)
        {
            if (!recent.Any(each => each.Turn == turn) && await HasEndedAsync(new TurnAddress(tenant, open.Session, TurnId.Parse(turn)), cancellationToken))
            {
                // Whether the ledger has it already is not known. Its worker settles it in a moment, or the sweeper does.
                LogNotCompared(tenant);
                return;
            }
        }

        var difference = tokens + recent.Where(each => !quota.Open.ContainsKey(each.Turn)).Sum(each => each.Tokens) - quota.Settled;
        if (difference != 0)
        {
            LogCorrected(tenant, difference);
        }

        await quotas.RebaseAsync(tenant, quota, difference, cancellationToken);
    }

    /// <summary>The quota at a moment, and the last that was recorded then; null when the tenant's turns end too fast.</summary>
    private async Task<(QuotaRecord Quota, ulong Last)?> SeeAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var before = await LastAsync();
            var quota = await quotas.FindAsync(tenant, cancellationToken);
            if (quota is not null && before == await LastAsync())
            {
                return (quota, before);
            }
        }

        return null;

        async Task<ulong> LastAsync() => (await reader.LastAsync(Streams.Usage.Name, Subjects.TenantUsage(tenant), cancellationToken))?.Sequence ?? 0;
    }

    private async Task<bool> HasEndedAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await reader.LastAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cancellationToken) is { } last && Ended.Contains(last.Header(TurnHeaders.Event));

    [LoggerMessage(LogLevel.Warning, "What is settled in the month of {Tenant} differed by {Tokens} tokens from what was recorded; it is corrected.")]
    private partial void LogCorrected(TenantId tenant, long tokens);

    [LoggerMessage(LogLevel.Information, "What is settled in the month of {Tenant} could not be compared with what was recorded; the next time it may be.")]
    private partial void LogNotCompared(TenantId tenant);
}
