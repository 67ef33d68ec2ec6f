using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Holds what operators were told of their decisions against what is recorded, what the ledger says and what OpenMeter has.</summary>
internal static class DecisionJudge
{
    private static readonly string[] Quantities = ["input_tokens_uncached", "cache_read_tokens", "cache_write_tokens", "output_tokens_visible", "reasoning_tokens", "requests", "turns"];

    public static void Judge(Verdict verdict, IReadOnlyList<Decision> decisions, SettledUsage usage, OpenMeterStandIn openMeter)
    {
        IReadOnlyList<Taken> taken = [.. usage.Log.Recorded.Where(each => each.Subject.Split('.')[4] == UsageOrigins.Corrections).Select(Read)];
        var events = usage.Log.Recorded.DistinctBy(each => each.Sequence).ToDictionary(each => each.Sequence, each => JsonElement.Parse(each.Data));
        var corrections = decisions.Where(each => each.Kind == Decision.Correct).GroupBy(each => (each.Sequence, each.Name)).ToDictionary(each => each.Key, each => each.ToList());
        var entered = usage.Ledger.All.OfType<UsageReplayed>().Select(each => (Decision.Replay, each.Sequence, each.Reason)).Concat(usage.Ledger.All.OfType<UsageDiscarded>().Select(each => (Decision.Discard, each.Sequence, each.Reason))).CountBy(each => each).ToDictionary();
        var had = usage.Rows.Select(usage.IdOf).ToHashSet();
        foreach (var kind in decisions.GroupBy(each => (each.Kind, each.Status)).OrderBy(each => each.Key))
        {
            verdict.Count($"decisions of operators, {kind.Key.Kind}, that were answered {kind.Key.Status}", kind.Count());
        }

        verdict.Count("decisions of operators that were sent again", decisions.Count(each => each.Tries > 1));
        verdict.Count("events of which something was taken back", taken.Select(each => each.Of).Distinct().Count());
        verdict.Rule("a correction is recorded once, under its reference and the id that was told, and one that was refused is not, unless an earlier try was not answered", corrections
            .Where(asked => !IsRecordedAsTold(asked.Value, [.. taken.Where(each => (each.Of, each.Reference) == asked.Key)])).Select(asked => string.Join(", ", asked.Value)));
        verdict.Rule("nobody takes back what no operator asked to", taken.Where(each => !corrections.ContainsKey((each.Of, each.Reference))).Select(each => $"{each}"));
        verdict.Rule("no more is taken back of an event than it had", taken.GroupBy(each => each.Of).Where(of => Quantities.Any(field => Read(events[of.Key], field) + of.Sum(each => Read(each.Event, field)) < 0)).Select(of => string.Join(", ", of)));
        verdict.Rule("only what OpenMeter has, or had and lost, is taken back", taken.Where(each => events[each.Of].Text("id") is var id && !had.Contains(id) && !usage.IdsOf(id).Any(one => openMeter.HistoryOf(one).Forgotten > 0)).Select(each => $"{each}"));
        verdict.Rule("a decision on a dead letter is entered as often as it was answered with done, and no more often than it was asked", decisions
            .Where(each => each.Kind != Decision.Correct && entered.GetValueOrDefault((each.Kind, each.Sequence, each.Name)) is var times && (times < (each.IsDone ? 1 : 0) || times > each.Tries - (each.IsDone ? 0 : 1)))
            .Select(each => $"{each}"));
        verdict.Rule("nobody decides what no operator asked to", entered.Keys.Except(decisions.Select(each => (each.Kind, each.Sequence, each.Name))).Select(each => $"{each}"));
    }

    private static bool IsRecordedAsTold(List<Decision> asked, IReadOnlyList<Taken> recorded) => asked.Where(each => each.IsDone).ToList() is { Count: > 0 } done
        ? recorded is [var one] && done.All(each => each.Id == one.Event.Text("id"))
        : recorded.Count <= (asked.Sum(each => each.Tries) > asked.Count ? 1 : 0);

    private static decimal Read(JsonElement usage, string field) =>
        usage.GetProperty("data").TryGetProperty(field, out var value) ? decimal.Parse(value.GetString()!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;

    private static Taken Read(StoredMessage stored)
    {
        var json = JsonElement.Parse(stored.Data);
        return new Taken(ulong.Parse(stored.Subject.Split('.')[5], CultureInfo.InvariantCulture), json.GetProperty("data").Text("reference"), json);
    }

    /// <summary>A correction as it is recorded.</summary>
    /// <param name="Of">The sequence of the event that it corrects.</param>
    private sealed record Taken(ulong Of, string Reference, JsonElement Event);
}
