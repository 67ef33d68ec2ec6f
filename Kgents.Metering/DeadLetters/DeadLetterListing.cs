using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.Metering.Ledger;

namespace Kgents.Metering.DeadLetters;

/// <summary>
/// The dead letters that wait for a decision, the latest first. Which events those are, the ledgers know; their letters are read backwards until there is one of each, and no further than to when the oldest of
/// these events was recorded.
/// </summary>
internal sealed class DeadLetterListing(UsageDeadLetters letters)
{
    public const string Refused = "refused";
    public const string Quarantined = "quarantined";

    /// <param name="before">The position of a letter; those from it on are left out.</param>
    public async IAsyncEnumerable<(UndeliveredUsage Letter, ulong Position)> ReadAsync(IEnumerable<LedgerState> ledgers, ulong before, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var open = new SortedDictionary<ulong, string>(ledgers.SelectMany(ledger => ledger.Refused.Select(each => (each, Refused)).Concat(ledger.Quarantined.Select(each => (each, Quarantined)))).ToDictionary());
        if (open.Count == 0)
        {
            yield break;
        }

        await foreach (var (letter, position) in letters.LatestAsync(before, await letters.SinceAsync(open.First().Key, cancellationToken), cancellationToken))
        {
            if (open.Remove(letter.Sequence, out var state))
            {
                yield return (Describe(letter, state), position);
            }

            if (open.Count == 0)
            {
                yield break;
            }
        }
    }

    public static UndeliveredUsage Describe(DeadLetter letter, string state) => new(
        letter.Sequence, Subjects.TryParseUsage(letter.Subject, out _, out var tenant) ? tenant : throw new InvalidOperationException($"{letter.Subject} is no subject of usage."), state, letter.Reason, letter.At);
}
