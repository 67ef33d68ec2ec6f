using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Ledger;
using Kgents.Metering.Operations;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Metering.Reconcile;

/// <summary>Shows an operator where token log, ledger and OpenMeter differ, and has sent again what OpenMeter has lost.</summary>
internal sealed class ReconcileCommand(MeteringSessions sessions, OpenMeterEvents? openMeter, MeterComparison? meters, int partitions, TimeProvider time, TextWriter output)
{
    private const int MostListed = 100;
    private const int Tries = 10;

    /// <summary>0 when the sides say the same but for what is under way, 1 when they do not, or could not be compared.</summary>
    public async Task<int> RunAsync(MeteringArguments arguments, CancellationToken cancellationToken)
    {
        if (openMeter is null || meters is null)
        {
            await output.WriteLineAsync("There is no OpenMeter to compare with: set ConnectionStrings:openmeter.");
            return 1;
        }

        var now = time.GetUtcNow();
        Task<Reconciliation> ReconcileAsync(int partition) => sessions.CreateReconciler(partition, openMeter).RunAsync(
            UsageHour.Of(now.AddHours(1 - arguments.Hours)), UsageHour.Of(now.AddHours(1)), cancellationToken);

        try
        {
            if (arguments.Verb == "resend")
            {
                var found = await ReconcileAsync(arguments.Partition);
                await ShowAsync(arguments.Partition, found);
                return await ResendAsync(arguments, found, cancellationToken);
            }

            List<Reconciliation> all = [];
            foreach (var partition in Enumerable.Range(0, partitions))
            {
                all.Add(await ReconcileAsync(partition));
                await ShowAsync(partition, all[partition]);
            }

            return await IsMeteredSoAsync(meters, all, cancellationToken) && all.All(each => each.Differences.Lasting == 0) ? 0 : 1;
        }
        catch (HttpRequestException exception)
        {
            await output.WriteLineAsync($"OpenMeter does not show its events ({exception.Message}): see ConnectionStrings:openmeter.");
            return 1;
        }
    }

    private async Task<bool> IsMeteredSoAsync(MeterComparison comparison, IReadOnlyList<Reconciliation> all, CancellationToken cancellationToken)
    {
        try
        {
            var differing = await comparison.RunAsync(all, cancellationToken);
            foreach (var each in differing.Take(MostListed))
            {
                var beside = each.Meter == UsageMeter.Of(each.Group.Type)[0] ? "its events" : "the ledger";
                await output.WriteLineAsync(
                    $"OpenMeter's meter {each.Meter.Slug} sums {Text(each.Sum)}, and {beside} {Text(each.Expected)}: {each.Cause}  {each.Group.Tenant}  {each.Group.Hour}  {each.Group.Model}  {each.Group.Type}");
            }

            if (differing.Count > MostListed)
            {
                await output.WriteLineAsync($"and {differing.Count - MostListed} more");
            }

            return differing.Count == 0;
        }
        catch (HttpRequestException exception)
        {
            await output.WriteLineAsync($"OpenMeter does not show what its meters sum ({exception.Message}): see ConnectionStrings:openmeter.");
            return false;
        }
    }

    private async Task ShowAsync(int partition, Reconciliation found)
    {
        await output.WriteLineAsync($"Partition {partition}, hours {found.From} to {found.To}, UTC. {(found.LogFrom is { } since ? $"The token log goes back to {since:u}" : "The token log is empty")}; it has nothing of deleted sessions. {found.LogRead} entries of it were read.");
        await output.WriteLineAsync($"{"tenant",-20} {"hour",-13} {"model",-24} {"type",-32} {"token log",20} {"ledger",20} {"OpenMeter",20}");
        foreach (var row in found.Rows)
        {
            await output.WriteLineAsync($"{row.Group.Tenant,-20} {row.Group.Hour,-13} {row.Group.Model,-24} {row.Group.Type,-32} {Text(row.Log),20} {Text(row.Ledger),20} {Text(row.OpenMeter),20}");
        }

        await output.WriteLineAsync(found.Differences.Count == 0 ? "They say the same of every event." : $"They differ on {found.Differences.Count} events:");
        foreach (var cause in found.Differences.Sums.GroupBy(each => (each.Cause, Unit: Unit(each.Group))).OrderBy(each => each.Key))
        {
            await output.WriteLineAsync($"  {cause.Sum(each => each.Events)} {Name(cause.Key.Cause)}, {Text(cause.Sum(each => each.Quantity))} {cause.Key.Unit}");
        }

        var listed = found.Differences.Kept.Where(each => !Reconciliation.IsUnderWay(each.Cause)).Take(MostListed).ToList();
        foreach (var each in listed)
        {
            await output.WriteLineAsync($"  {each.Sequence}  {each.Id}  {each.Group.Tenant}  {each.Group.Hour}  {each.Group.Model}  {Text(each.Quantity)} {Unit(each.Group)}  {Name(each.Cause)}");
        }

        if (found.Differences.Lasting > listed.Count)
        {
            await output.WriteLineAsync($"  and {found.Differences.Lasting - listed.Count} more that do not mend themselves");
        }
    }

    /// <summary>A replica may write at any time; what has changed since is left.</summary>
    private async Task<int> ResendAsync(MeteringArguments arguments, Reconciliation found, CancellationToken cancellationToken)
    {
        var vanished = found.Differences.Kept.Where(each => each.Cause == Cause.Vanished).ToDictionary(each => each.Sequence);
        var rest = found.Differences.CountOf(Cause.Vanished) - vanished.Count;
        var given = new DiscardedEvents([.. vanished.Keys], [.. vanished.Values.Select(each => each.Group.Hour).Distinct()]);
        for (var tries = 0; vanished.Count > 0 && tries < Tries; tries++)
        {
            var ledger = sessions.OpenLedger(arguments.Partition);
            await ledger.LoadAsync(cancellationToken);
            try
            {
                var discarded = await given.FindAsync(ledger, cancellationToken);
                foreach (var each in vanished.Values.ToList())
                {
                    if (IsConfirmed(ledger.State, each.Sequence) && !discarded.Contains(each.Sequence))
                    {
                        await ledger.AppendAsync(new UsageReopened(each.Sequence, each.ReissuedAs, arguments.Reason!), cancellationToken);
                        await output.WriteLineAsync($"{each.Sequence} is looked for again, and sent again when it stays away.");
                    }

                    vanished.Remove(each.Sequence);
                }
            }
            catch (LedgerFenceLostException)
            {
                // A replica wrote: its entry may be about one of these.
            }
        }

        // Also those for which a replica was faster each time.
        rest += vanished.Count;
        if (rest > 0)
        {
            await output.WriteLineAsync($"{rest} more are left for the next time: once more.");
        }

        return rest == 0 ? 0 : 1;
    }

    /// <summary>Still: since it was compared, the ledger may have been begun anew, or somebody may have decided on the event.</summary>
    private static bool IsConfirmed(LedgerState state, ulong sequence) =>
        sequence <= state.SentThrough && !state.Unsettled.ContainsKey(sequence) && !state.Refused.Contains(sequence) && !state.Quarantined.Contains(sequence);

    private static string Text(ReconciledSum sum) => string.Create(CultureInfo.InvariantCulture, $"{sum.Events} = {Text(sum.Quantity)}");

    private static string Unit(ReconciledGroup group) => UsageEvent.QuantityField(group.Type) is var field && field == "total_tokens" ? "tokens" : field;

    private static string Text(decimal quantity) => quantity.ToString("0.############################", CultureInfo.InvariantCulture);

    private static string Name(Cause cause) => cause switch
    {
        Cause.NotRecorded => "committed and not recorded yet",
        Cause.Waiting => "not sent yet",
        Cause.Unconfirmed => "sent and not shown yet",
        Cause.Unrecorded => "committed long ago and recorded by nobody",
        Cause.Conflicting => "committed, and another one recorded under its id",
        Cause.Refused => "refused, see `dead-letters list`",
        Cause.Discarded => "given up",
        Cause.Missing => "missing, see `ledger reissue`",
        Cause.Vanished => "shown once and lost, see `ledger resend`",
        Cause.Doubled => "shown more than once",
        Cause.Uncounted => "shown and not counted",
        Cause.Altered => "shown with another quantity",
        _ => throw new ArgumentOutOfRangeException(nameof(cause)),
    };
}
