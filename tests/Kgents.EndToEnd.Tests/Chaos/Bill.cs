using System.Globalization;
using Kgents.Contracts;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What a turn is charged, beside what was relayed of it and what the model said in that request.</summary>
/// <param name="Delivered">The request whose text is in the log; null when there is no text.</param>
/// <param name="Relayed">Tokens of the text that a client can have seen.</param>
internal sealed record Bill(StoredTurn Turn, Told? Delivered, int Relayed)
{
    public IReadOnlyList<UsageData> Billed { get; } = [.. Turn.Usage.Where(usage => usage.Event.Type == UsageEvent.BillableType).Select(usage => usage.Event.Data)];

    public IEnumerable<UsageData> NotBilled => Turn.Usage.Where(usage => usage.Event.Type != UsageEvent.BillableType).Select(usage => usage.Event.Data);

    public TurnStatus? Status => Turn.Commit?.Status;

    /// <summary>All of it was relayed, and the model says that it was all.</summary>
    public bool IsWhole => Delivered is { EndsWell: true } && Turn.Text == Delivered.Text;

    /// <summary>What the model says that it used, unless it says nothing or more than it can make.</summary>
    public ModelStep.Usage? Reported => Delivered?.Reports is { } reports && reports.Completion <= Delivered.MaxTokens ? reports : null;

    /// <summary>Something was relayed, and nothing is billed.</summary>
    public bool IsFree => Billed.Count == 0 && Turn.Text.Length > 0;

    /// <summary>Its model failed, by what it was made to say; or its worker died, and no other could take it over.</summary>
    public bool IsRightlyFree => NotBilled.Where(call => Number(call.Attempt) == Turn.Attempts.Count).Select(call => call.Outcome).FirstOrDefault() switch
    {
        "upstream_error" => Delivered is { EndsWell: false },
        "interrupted" => Turn.Commit?.ErrorCode == TurnErrorCodes.Interrupted,
        _ => false,
    };

    public long Visible => Billed.Sum(call => Number(call.OutputTokensVisible));

    public long Output => Billed.Sum(call => Number(call.OutputTokensVisible) + Number(call.ReasoningTokens));

    public long Input => Billed.Sum(call => Number(call.InputTokensUncached) + Number(call.CacheReadTokens) + Number(call.CacheWriteTokens));

    /// <summary>Every bucket is as the model says.</summary>
    public bool IsAsReported => Reported is { } said && Billed is [var call]
        && (Number(call.InputTokensUncached), Number(call.CacheReadTokens), Number(call.CacheWriteTokens), Number(call.OutputTokensVisible), Number(call.ReasoningTokens))
        == (said.Prompt - said.Cached - said.CacheWrite, said.Cached, said.CacheWrite, said.Completion - said.Reasoning, said.Reasoning);

    public static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    public override string ToString() =>
        $"{Turn.Id} {Status} {Turn.Commit?.ErrorCode}: attempt {Turn.Attempts.Count}, {Relayed} tokens relayed, {(IsWhole ? "all" : "not all")} of what {Delivered?.Model} said, which reports {Delivered?.Reports} and was given {Tokens.In(Delivered?.Prompt ?? "")} tokens; "
        + $"billed {string.Join(", ", Billed.Select(call => $"{call.Model} in attempt {call.Attempt}: {call.InputTokensUncached} + {call.CacheReadTokens} + {call.CacheWriteTokens} in, {call.OutputTokensVisible} + {call.ReasoningTokens} out, {call.UsageSource}"))}";
}
