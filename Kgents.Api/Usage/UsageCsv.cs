using System.Text;

namespace Kgents.Api.Usage;

/// <summary>Usage as a table, with a first line of names. How far it is true stands in each line.</summary>
internal static class UsageCsv
{
    public static IReadOnlyList<string> Columns { get; } =
    [
        "window_start", "window_end", "model", "session", "key", "type", "billable", "events", "requests", "turns", "input_tokens_uncached", "cache_read_tokens", "cache_write_tokens",
        "output_tokens_visible", "reasoning_tokens", "total_tokens", "as_of", "is_behind",
    ];

    public static string Write(UsageResponse usage)
    {
        var text = new StringBuilder(Csv.Line(Columns));
        foreach (var row in usage.Usage)
        {
            text.Append(Csv.Line(
                Csv.Time(row.WindowStart), Csv.Time(row.WindowEnd), Csv.Text(row.Model), Csv.Text(row.Session), Csv.Text(row.Key), Csv.Text(row.Type), Csv.Truth(row.Billable), row.Events, row.Requests, row.Turns, row.InputTokensUncached,
                row.CacheReadTokens, row.CacheWriteTokens, row.OutputTokensVisible, row.ReasoningTokens, row.TotalTokens, Csv.Time(usage.AsOf), Csv.Truth(usage.IsBehind)));
        }

        return text.ToString();
    }
}
