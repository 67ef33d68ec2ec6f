using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering;

/// <summary>A ledger as anybody can read it, from its first entry on, with its chain checked.</summary>
internal sealed class LedgerView(KgentsHost host, int partition = 0)
{
    private readonly UsageLedger ledger = New(host, partition);
    private UsageLedger? known;

    /// <summary>Of a writer that begins now: from the last snapshot on. Not read again while nothing is added: tests ask often.</summary>
    public Task<LedgerState> StateAsync() => PersistAsync(async () =>
    {
        var last = (await host.Reader.LastAsync(Streams.Ledger.Name, Subjects.Ledger(partition), TestContext.Current.CancellationToken))?.Sequence ?? 0;
        if (known?.State.LastSequence != last)
        {
            var fresh = New(host, partition);
            await fresh.LoadAsync(TestContext.Current.CancellationToken);
            known = fresh;
        }

        return known.State;
    });

    public Task<IReadOnlyList<LedgerEntry>> EntriesAsync() => PersistAsync<IReadOnlyList<LedgerEntry>>(async () =>
    {
        var last = await host.Reader.LastAsync(Streams.Ledger.Name, Subjects.Ledger(partition), TestContext.Current.CancellationToken);
        var entries = new List<LedgerEntry>();
        await foreach (var (entry, _, _) in ledger.ReadAsync(1, last?.Sequence ?? 0, TestContext.Current.CancellationToken))
        {
            entries.Add(entry);
        }

        return entries;
    });

    public async Task<IReadOnlyList<TEntry>> EntriesAsync<TEntry>()
        where TEntry : LedgerEntry => [.. (await EntriesAsync()).OfType<TEntry>()];

    /// <summary>The last total of each tenant, hour, model and type since the ledger was last opened.</summary>
    public async Task<IReadOnlyDictionary<(string Tenant, string Hour, string Model, string Type), UsageTotal>> TotalsAsync()
    {
        var totals = new Dictionary<(string, string, string, string), UsageTotal>();
        foreach (var entry in await EntriesAsync())
        {
            if (entry is LedgerOpened)
            {
                totals.Clear();
            }

            foreach (var total in (entry as UsageReceived)?.Totals ?? [])
            {
                totals[(total.Tenant.ToString(), total.Hour, total.Model, total.Type)] = total;
            }
        }

        return totals;
    }

    /// <summary>Waits until everything that is recorded is entered and nothing of it is unsettled.</summary>
    public Task SettledAsync() => Eventually.TrueAsync(async () =>
    {
        var last = await RecordedAsync();
        var state = await StateAsync();
        return state.IsOpen && state.ReceivedThrough == last && state.OldestUnsettled is null;
    });

    /// <summary>The sequence of the last event that is recorded.</summary>
    public Task<ulong> RecordedAsync() => PersistAsync(async () => (await host.Reader.RangeAsync(Streams.Usage.Name, TestContext.Current.CancellationToken)).Last);

    /// <summary>The server may be away, or slow: a test that looks on asks again.</summary>
    private static async Task<T> PersistAsync<T>(Func<Task<T>> read)
    {
        while (true)
        {
            try
            {
                return await read();
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, TestContext.Current.CancellationToken))
            {
                // Once more.
            }
        }
    }

    private static UsageLedger New(KgentsHost host, int partition) => new(
        partition, host.Reader, host.Services.GetRequiredService<FencedPublisher>(), TimeProvider.System);
}
