using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Holds what was asked at the command line against what the ledger says, and what a ledger said before it was begun anew against what it says since.</summary>
internal static class OrderJudge
{
    public static void Judge(Verdict verdict, IReadOnlyList<Order> orders, SettledUsage usage, OpenMeterStandIn openMeter)
    {
        var ledger = usage.Ledger;
        var recorded = usage.Log.Recorded.DistinctBy(each => each.Sequence).ToDictionary(each => each.Sequence);
        string IdOf(ulong sequence) => JsonElement.Parse(recorded[sequence].Data).Text("id");
        foreach (var kind in orders.GroupBy(each => (each.Verb, each.IsDone)).OrderBy(each => each.Key.Verb, StringComparer.Ordinal).ThenBy(each => each.Key.IsDone))
        {
            verdict.Count($"commands of operators, {kind.Key.Verb}, that {(kind.Key.IsDone switch { true => "were done", false => "were refused", null => "nobody knows of" })}", kind.Count());
        }

        var (rebuilt, reissued, reopened) = (ledger.Earlier.Concat(ledger.Last.Values).Where(each => each.Reason != FirstReason).ToList(), ledger.All.OfType<UsageReissued>().ToList(), ledger.All.OfType<UsageReopened>().ToList());
        verdict.Count("ledgers that were begun anew", rebuilt.Count);
        verdict.Count("events that were sent under a new id", reissued.Count);
        verdict.Count("events that OpenMeter showed and lost, and that were looked for again", reopened.Count);
        verdict.Rule("a ledger is begun anew as often as a command says, and by none else", Otherwise(orders, Order.Rebuild, rebuilt.Select(each => (each.Partition, 0UL, each.Reason))));
        verdict.Rule("an event is sent under a new id as often as a command says, and by none else", Otherwise(orders, Order.Reissue, reissued.Select(each => (PartitionOf(each.Sequence), each.Sequence, each.Reason))));
        verdict.Rule("no id is given twice", reissued.CountBy(each => each.Id).Where(each => each.Value > 1).Select(each => each.Key));
        verdict.Rule("only who was asked to has an event looked for again", reopened.Where(each => !orders.Any(order => order.Verb == Order.Resend && order.Partition == PartitionOf(each.Sequence) && order.Reason == each.Reason)).Select(each => $"{each}"));
        verdict.Rule("only what OpenMeter showed and lost is looked for again", reopened.Where(each => new[] { each.Id, IdOf(each.Sequence) }.OfType<string>().All(id => openMeter.HistoryOf(id).Forgotten == 0)).Select(each => $"{each}"));
        verdict.Rule("a ledger that is begun anew says the same of each event", ledger.Earlier.SelectMany(epoch => epoch.Events.Values
            .Where(each => !ledger.Last[epoch.Partition].Events.TryGetValue(each.Sequence, out var now) || now != each).Select(each => $"{each} of {epoch.Reason}")));
        verdict.Rule("a ledger that is begun anew had the sums of its events before", ledger.Earlier.SelectMany(epoch => Differing(epoch, recorded)));
        var shown = usage.Rows.Select(usage.IdOf).ToHashSet();
        verdict.Rule("what was given up is not sent when a ledger is begun anew", ledger.All.OfType<UsageDiscarded>().Where(each => shown.Contains(IdOf(each.Sequence))).Select(each => $"{each}"));

        int PartitionOf(ulong sequence) => StoredLedger.PartitionOf(recorded[sequence]);
    }

    private const string FirstReason = "it was empty";

    private static IEnumerable<string> Otherwise(IReadOnlyList<Order> orders, string verb, IEnumerable<(int Partition, ulong Sequence, string Reason)> entries)
    {
        var times = entries.CountBy(each => each).ToDictionary();
        var asked = orders.Where(each => each.Verb == verb).ToDictionary(each => (each.Partition, each.Sequence, each.Reason));
        return asked.Where(each => !each.Value.IsEntered(times.GetValueOrDefault(each.Key))).Select(each => $"{each.Value} is entered {times.GetValueOrDefault(each.Key)} times")
            .Concat(times.Keys.Except(asked.Keys).Select(each => $"{each} was asked by nobody"));
    }

    private static IEnumerable<string> Differing(LedgerEpoch epoch, Dictionary<ulong, StoredMessage> recorded)
    {
        var (said, added) = (Sums.Of(epoch.Totals.Values), Sums.Of(epoch.Counted.Select(each => JsonElement.Parse(recorded[each.Sequence].Data))));
        return Sums.All(said, added).Where(what => said[what] != added[what]).Select(what => $"{epoch.Reason}: {what} is {said[what]} and not {added[what]}");
    }
}
