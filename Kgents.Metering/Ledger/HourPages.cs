using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Ledger;

/// <summary>
/// The index of a ledger by hour and id. The hours that are in use are in memory, up to a number of events; one that is asked for later is read
/// from the ledger, which is its only store.
/// </summary>
internal sealed class HourPages(UsageLedger ledger, IOptions<LedgerOptions> options)
{
    /// <summary>An id that comes again within this time is recognised even if its event has another time now.</summary>
    private const int RecentHours = 24;

    /// <summary>Most recently used last.</summary>
    private readonly List<HourPage> pages = [];

    public int Events => pages.Sum(page => page.Events);

    public async Task<HourPage> GetAsync(string hour, CancellationToken cancellationToken)
    {
        if (pages.Find(page => page.Hour == hour) is { } found)
        {
            pages.Remove(found);
            pages.Add(found);
            return found;
        }

        var page = new HourPage(hour);
        if (ledger.State.Hours.TryGetValue(hour, out var place))
        {
            await foreach (var (entry, sequence, _) in ledger.ReadAsync(place.First, place.Last, cancellationToken))
            {
                if (sequence > place.Last)
                {
                    break;
                }

                if (entry is UsageReceived received)
                {
                    page.Read(received);
                }
            }
        }

        pages.Add(page);
        Shrink(page);
        return page;
    }

    /// <summary>Whether an id is known, in its own hour or in any that is in memory. See <see cref="HourPage.Has"/>.</summary>
    public async Task<bool?> HasAsync(string id, string hash, string hour, CancellationToken cancellationToken)
    {
        if ((await GetAsync(hour, cancellationToken)).Has(id, hash) is { } known)
        {
            return known;
        }

        return pages.Select(page => page.Has(id, hash)).FirstOrDefault(answer => answer is not null);
    }

    /// <summary>Reads the last hours that have events, the latest first, for as long as there is room.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        foreach (var hour in ledger.State.Hours.Keys.OrderDescending(StringComparer.Ordinal).Take(RecentHours))
        {
            if (Events >= options.Value.IndexedEvents / 2)
            {
                return;
            }

            await GetAsync(hour, cancellationToken);
        }
    }

    private void Shrink(HourPage keep)
    {
        while (pages.Count > 1 && (Events > options.Value.IndexedEvents || pages.Count > RecentHours * 7))
        {
            pages.RemoveAt(pages[0] == keep ? 1 : 0);
        }
    }
}
