using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>
/// The entropy of each tenant: a record, changed by compare-and-set. What is drawn may be poured back, and half of it is saved by that; a tithe adds a little. There is never more than
/// <see cref="AgenteseOptions.EntropyBudget"/>.
/// </summary>
internal sealed class EntropyStore(JetStreamReader reader, FencedPublisher publisher, IOptions<AgenteseOptions> options, TimeProvider time)
{
    /// <summary>What a tithe gives.</summary>
    public const decimal Tithe = 0.1m;

    /// <summary>What is left of what is poured back.</summary>
    private const decimal Saved = 0.5m;

    private readonly BucketRecords<EntropyRecord> records = new(Buckets.AgenteseRecords, WireJson.Default.EntropyRecord, reader, publisher, time);

    public decimal Budget => options.Value.EntropyBudget;

    public async Task<EntropyRecord> FindAsync(TenantId tenant, CancellationToken cancellationToken) =>
        await records.FindAsync(Subjects.Entropy(tenant), cancellationToken) is var (record, _) ? Within(record) : Whole;

    /// <summary>What there is then; null when too little is left.</summary>
    public Task<EntropyRecord?> SipAsync(TenantId tenant, decimal amount, CancellationToken cancellationToken) => ChangeAsync(
        tenant, entropy => entropy.Remaining < amount ? null : new EntropyRecord(entropy.Remaining - amount, entropy.Drawn + amount), cancellationToken);

    /// <summary>What there is then; null when less was drawn.</summary>
    public Task<EntropyRecord?> PourAsync(TenantId tenant, decimal amount, CancellationToken cancellationToken) => ChangeAsync(
        tenant, entropy => entropy.Drawn < amount ? null : new EntropyRecord(entropy.Remaining + (amount * Saved), entropy.Drawn - amount), cancellationToken);

    public async Task<EntropyRecord> TitheAsync(TenantId tenant, CancellationToken cancellationToken) =>
        (await ChangeAsync(tenant, entropy => entropy with { Remaining = entropy.Remaining + Tithe }, cancellationToken))!;

    private EntropyRecord Whole => new(Budget, Drawn: 0);

    /// <param name="change">Null when it may not be.</param>
    private async Task<EntropyRecord?> ChangeAsync(TenantId tenant, Func<EntropyRecord, EntropyRecord?> change, CancellationToken cancellationToken)
    {
        var subject = Subjects.Entropy(tenant);
        while (true)
        {
            var found = await records.FindAsync(subject, cancellationToken);
            if (change(found is var (record, _) ? Within(record) : Whole) is not { } changed)
            {
                return null;
            }

            changed = Within(changed);
            if (await records.TryPutAsync(subject, changed, found?.Sequence ?? 0, cancellationToken) is not null)
            {
                return changed;
            }

            await records.PauseAsync(cancellationToken);
        }
    }

    /// <summary>The budget may have been made smaller.</summary>
    private EntropyRecord Within(EntropyRecord entropy) => entropy with { Remaining = Math.Min(entropy.Remaining, Budget) };
}
