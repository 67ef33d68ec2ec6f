using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kgents.Contracts;

namespace Kgents.Metering.Corrections;

/// <summary>
/// A correction as an event: the event that it corrects, with its time, so that the same hour is corrected, and with quantities below zero. OpenMeter's meters know events by their type alone, so it
/// has the same.
/// </summary>
internal static class CorrectionEvent
{
    public const string Kind = "correction";

    private static readonly string[] Inputs = ["input_tokens_uncached", "cache_read_tokens", "cache_write_tokens"];
    private static readonly string[] Outputs = ["output_tokens_visible", "reasoning_tokens"];
    private static readonly string[] Sums = ["input_tokens", "output_tokens", "total_tokens"];

    /// <summary>What may be taken back of an event of this type; sums follow.</summary>
    public static IReadOnlyList<string> Fields(string type) => type switch
    {
        UsageEvent.BillableType or UsageEvent.NonBillableType => [.. Inputs, .. Outputs, "requests"],
        UsageEvent.RequestType => ["requests"],
        UsageEvent.TurnType => ["turns"],
        _ => [],
    };

    /// <summary>All that is left, as it would be asked for.</summary>
    public static IReadOnlyDictionary<string, decimal> All(UsageTotal left) => new Dictionary<string, decimal>
    {
        ["input_tokens_uncached"] = left.InputTokensUncached,
        ["cache_read_tokens"] = left.CacheReadTokens,
        ["cache_write_tokens"] = left.CacheWriteTokens,
        ["output_tokens_visible"] = left.OutputTokensVisible,
        ["reasoning_tokens"] = left.ReasoningTokens,
        ["requests"] = left.Requests,
        ["turns"] = left.Turns,
    }.Where(each => each.Value > 0).ToDictionary();

    public static byte[] Create(CorrectionState state, CorrectionRequest request, IReadOnlyDictionary<string, decimal> taken)
    {
        var usage = JsonNode.Parse(state.Original.Data.Span)!;
        var data = usage["data"]!.AsObject();
        usage["id"] = state.NextId;
        data["kind"] = Kind;
        data["corrects"] = state.Usage.Id;
        data["reference"] = request.Reference;
        data["reason"] = request.Reason;
        foreach (var field in Fields(state.Usage.Used!.Type))
        {
            data[field] = Text(-taken.GetValueOrDefault(field));
        }

        var (input, output) = (Inputs.Sum(field => taken.GetValueOrDefault(field)), Outputs.Sum(field => taken.GetValueOrDefault(field)));
        foreach (var (field, sum) in Sums.Zip([input, output, input + output]).Where(each => data.ContainsKey(each.First)))
        {
            data[field] = Text(-sum);
        }

        return Encoding.UTF8.GetBytes(usage.ToJsonString(Relaxed));
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Text(decimal quantity) => quantity == 0 ? "0" : quantity.ToString("0.############################", CultureInfo.InvariantCulture);
}
