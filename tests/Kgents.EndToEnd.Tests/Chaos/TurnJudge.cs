using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>A turn as the streams have it.</summary>
internal sealed record StoredTurn(string Id, IReadOnlyList<LogEntry> Log, AssistantMessage? Answer, DateTimeOffset? AnsweredAt, IReadOnlyList<(UsageEvent Event, DateTimeOffset Time)> Usage)
{
    /// <summary>Of the turn itself, and not of its calls.</summary>
    public required IReadOnlyList<(UsageEvent<TurnUsageData> Event, DateTimeOffset Time)> OwnUsage { get; init; }

    /// <summary>The entries of each attempt, up to the commit: what only its one writer may write.</summary>
    public IReadOnlyList<IReadOnlyList<LogEntry>> Attempts { get; } = Split(Log);

    public LogEntry? End => Log.Count > 0 ? Log[^1] : null;

    public TurnCommitted? Commit { get; } = Log.Select(entry => entry.Event).OfType<TurnCommitted>().FirstOrDefault();

    /// <summary>The chunks since the last (re)start, joined.</summary>
    public string Text => Attempts.Count == 0 ? "" : string.Concat(Attempts[^1].Select(entry => entry.Event).OfType<TurnChunk>().Select(chunk => chunk.Text));

    public int Chunks => Attempts.Count == 0 ? 0 : Attempts[^1].Count(entry => entry.Kind == TurnEventCodec.Chunk);

    private static List<List<LogEntry>> Split(IReadOnlyList<LogEntry> log)
    {
        var attempts = new List<List<LogEntry>>();
        foreach (var entry in log.TakeWhile(entry => entry.Kind != TurnEventCodec.Committed))
        {
            if (attempts.Count == 0 || entry.Kind is TurnEventCodec.Accepted or TurnEventCodec.Restarted)
            {
                attempts.Add([]);
            }

            attempts[^1].Add(entry);
        }

        return attempts;
    }
}

/// <summary>Holds each turn in the streams against what a turn is.</summary>
internal static class TurnJudge
{
    public static void Judge(Verdict verdict, IReadOnlyList<StoredTurn> turns)
    {
        verdict.Count("turns", turns.Count);
        foreach (var end in turns.GroupBy(turn => turn.Commit?.ErrorCode ?? turn.Commit?.Status.ToString().ToLowerInvariant() ?? "not").OrderBy(end => end.Key, StringComparer.Ordinal))
        {
            verdict.Count($"turns that ended {end.Key}", end.Count());
        }

        verdict.Count("attempts", turns.Sum(turn => turn.Attempts.Count));
        verdict.Count("turns with more than one attempt", turns.Count(turn => turn.Attempts.Count > 1));
        verdict.Count("events stored", turns.Sum(turn => turn.Log.Count));

        void Never(string rule, Func<StoredTurn, bool> isBroken, Func<StoredTurn, string>? detail = null) =>
            verdict.Rule(rule, turns.Where(isBroken).Select(turn => $"{Outline(turn)} {detail?.Invoke(turn)}"));

        Never("a turn has exactly one terminal event, and it is the last", turn => turn.Log.Count(entry => entry.IsTerminal) != 1 || !turn.End!.IsTerminal);
        Never(
            "a turn has exactly one commit, and after it only the terminal event",
            turn => turn.Log.Count < 2 || turn.Log[^2].Kind != TurnEventCodec.Committed || turn.Log.Count(entry => entry.Kind == TurnEventCodec.Committed) != 1);
        Never("an attempt has one writer, which writes it from its beginning", turn => !turn.Attempts.All(IsOfOneWriter));
        Never("no two attempts have the same writer", turn => turn.Attempts.Select(attempt => attempt[0].Run).Distinct().Count() != turn.Attempts.Count);
        Never("only the writer of the last attempt commits a turn that was not given up", turn => !IsCommittedByItsWriter(turn));
        Never("the text of complete is the chunks since the last restart", turn => turn.End?.Event is TurnCompleted end && (end.Text != turn.Text || end.Chunks != turn.Chunks));
        Never("the stored message is the chunks since the last restart", turn => turn.Answer?.Text != turn.Text, turn => $"'{turn.Answer?.Text}' is not '{turn.Text}'");
        Never("usage and answer are stored before the terminal event", turn => !(turn.AnsweredAt <= turn.End?.Time) || turn.Usage.Any(usage => usage.Time > turn.End?.Time) || turn.OwnUsage.Any(usage => usage.Time > turn.End?.Time));
        Never("a turn has one event of its own, with its tokens", turn => turn.OwnUsage.Select(usage => usage.Event.Id).Distinct().Count() != 1 || turn.OwnUsage[0].Event.Data.TotalTokens != $"{turn.Commit?.Tokens.Total}", turn => $"{turn.OwnUsage.Count} events");
        Never("a turn is billed once when it completed, and else at most once", turn => !IsBilledRight(turn), turn => $"{turn.Usage.Count(IsBillable)} billable events");
        Never(
            "every attempt has one usage event",
            turn => turn.Usage.Count != turn.Attempts.Count || turn.Usage.Select(usage => usage.Event.Id).Distinct().Count() != turn.Usage.Count,
            turn => $"{turn.Usage.Count} events of {turn.Attempts.Count} attempts");
    }

    private static bool IsBillable((UsageEvent Event, DateTimeOffset Time) usage) => usage.Event.Type == UsageEvent.BillableType;

    private static bool IsBilledRight(StoredTurn turn) => turn.Usage.Count(IsBillable) is var billable && (turn.Commit?.Status == TurnStatus.Completed ? billable == 1 : billable <= 1);

    private static bool IsCommittedByItsWriter(StoredTurn turn) => turn.Attempts.Count == 0 || turn.Commit is null or { ErrorCode: TurnErrorCodes.Interrupted }
        || turn.Log.First(entry => entry.Kind == TurnEventCodec.Committed).Run == turn.Attempts[^1][0].Run;

    private static bool IsOfOneWriter(IReadOnlyList<LogEntry> attempt)
    {
        var chunks = attempt.Select(entry => entry.Event).OfType<TurnChunk>().Select(chunk => chunk.Index).ToList();
        return attempt[0].Kind is TurnEventCodec.Accepted or TurnEventCodec.Restarted
            && attempt.All(entry => entry.Run == attempt[0].Run)
            && attempt.Zip(attempt.Skip(1)).All(pair => pair.First.Index < pair.Second.Index)
            && chunks.SequenceEqual(Enumerable.Range(0, chunks.Count));
    }

    /// <summary>Its log in short: sequence, kind, run and index of all but the chunks of a long one.</summary>
    private static string Outline(StoredTurn turn)
    {
        var shown = turn.Log.Where(entry => entry.Kind != TurnEventCodec.Chunk || turn.Log.Count < 12);
        return $"{turn.Id} [{string.Join(' ', shown.Select(entry => $"{entry.Sequence}:{entry.Kind}:{entry.Run[..4]}:{entry.Index}"))}]";
    }
}
