using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Holds what each turn is charged against what was delivered of it: the chunks in its log since the last start, and what the model was made to say in that very request. It knows nothing of the code that
/// charges.
/// </summary>
internal static class BillJudge
{
    public static void Judge(Verdict verdict, StoredLog log, IReadOnlyList<StoredTurn> turns, Babble model, FaultCounts faults)
    {
        var posts = log.Users.ToDictionary(user => user.Message.Turn.ToString(), user => user.Message.Text.Split(' ')[0]);
        List<Bill> bills = [.. turns.Select(turn => new Bill(turn, Find(turn, model.To(posts[turn.Id])), Tokens.In(turn.Text)))];
        foreach (var status in bills.GroupBy(bill => bill.Status).OrderBy(group => group.Key))
        {
            var name = $"turns that ended {$"{status.Key}".ToLowerInvariant()}";
            verdict.Count($"tokens of text that were relayed of {name}", status.Sum(bill => bill.Relayed));
            verdict.Count($"tokens of visible output that are billed of {name}", status.Sum(bill => bill.Visible));
        }

        verdict.Count("cancelled turns that pay for what was relayed", bills.Count(bill => bill is { Status: TurnStatus.Cancelled, Billed.Count: > 0, IsWhole: false }));
        verdict.Count("turns with an attempt that was not delivered, and is not billed", bills.Count(bill => bill.Turn.Attempts.Count > 1));

        // A worker that was frozen takes its model for silent.
        bool WasFrozen(Bill bill) => bill.Turn is { Commit.ErrorCode: TurnErrorCodes.ModelStalled, Log: { Count: > 0 } log } && faults.WasFrozen("Kgents.Streaming", bill.Turn.Attempts[^1][0].Time, log[^1].Time);
        verdict.Count("turns that are free because their worker was frozen, though their model ended well", bills.Count(bill => bill.IsFree && !bill.IsRightlyFree && WasFrozen(bill)));

        void Never(string rule, Func<Bill, bool> isBroken) => verdict.Rule(rule, bills.Where(isBroken).Select(bill => bill.ToString()));

        Never("what was relayed is what the model said in one request", bill => bill.Turn.Text.Length > 0 && bill.Delivered is null);
        Never("only what was relayed of a turn that completed or was cancelled is billed, once", bill => bill.Billed.Count > (bill is { Status: TurnStatus.Completed or TurnStatus.Cancelled, Turn.Text.Length: > 0 } ? 1 : 0));
        Never("only the attempt that was delivered is billed", bill => bill.Billed.Any(call => Bill.Number(call.Attempt) != bill.Turn.Attempts.Count || call.Model != bill.Delivered?.Model));
        Never("no more visible output is billed than was relayed", bill => bill.Visible > bill.Relayed);
        Never("no more output is billed than the model can make", bill => bill.Output > (bill.Delivered?.MaxTokens ?? 0));
        Never("a completed turn pays what the model reports, or else what is counted", bill => bill.Status == TurnStatus.Completed && !(bill.Reported is null ? IsCounted(bill) : bill.IsAsReported));
        Never("a cancelled turn pays for what was relayed, unless all came", bill => bill is { Status: TurnStatus.Cancelled, Billed.Count: > 0 } && !(IsRelayed(bill) || (bill.IsWhole && (bill.IsAsReported || IsCounted(bill)))));
        Never("a turn of which something was relayed pays for it, unless its model or its worker failed", bill => bill.IsFree && !bill.IsRightlyFree && !WasFrozen(bill));
        Never("what is not billed has no tokens", bill => bill.NotBilled.Any(call => call.TotalTokens != "0" || call.InputTokens != "0" || call.OutputTokens != "0"));
        Never("a turn is told what it pays", bill => bill.Turn.Commit is not { Tokens: var told } || (told.Input, told.Output) != (bill.Input, bill.Output));
    }

    /// <summary>By the text alone: it differs from the first piece on.</summary>
    private static Told? Find(StoredTurn turn, IEnumerable<Told> told) => turn.Text.Length == 0 ? null : told.FirstOrDefault(each => each.Text.StartsWith(turn.Text, StringComparison.Ordinal));

    /// <summary>Let go in the middle: the output is what came, and the input what was told by then, which at the end is told by every model.</summary>
    private static bool IsRelayed(Bill bill) => bill.Delivered is { } told
        && bill.Visible == Math.Min(bill.Relayed, told.MaxTokens) && bill.Output == bill.Visible && (bill.Input == told.Reports?.Prompt || (bill.Input == 0 && !told.TellsInput));

    /// <summary>Input is counted of what is given to a provider's client. That of Anthropic sends a little less: up to a token of a text.</summary>
    private static bool IsCounted(Bill bill) => bill.Delivered is { } told
        && bill.Visible == Math.Min(bill.Relayed, told.MaxTokens) && bill.Output == bill.Visible && bill.Input - Tokens.In(told.Prompt) is >= 0 and var more && more <= (told.TellsInput ? told.Texts : 0);
}
