using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Ledger;

/// <summary>
/// A usage event as its bytes say. OpenMeter takes an event whose quantity it cannot read, and counts nothing, without a word: so everything
/// that a meter reads is looked at before.
/// </summary>
/// <param name="Id">Empty when there is none.</param>
/// <param name="Problem">Why it is not an event that can be billed; null for one that is.</param>
/// <param name="Used">What it adds to its total; null when there is a problem.</param>
/// <param name="Corrects">The id of the event of which it takes something back; null for one that does not. Whether so much is left, it does not say itself.</param>
public sealed record InspectedUsage(string Id, string Hour, string? Problem, UsageTotal? Used, string? Corrects = null)
{
    private const string Correction = "correction";

    private const int LongestText = 256;

    /// <summary>More than any model call uses, and far from the end of a decimal's range.</summary>
    private const decimal LargestQuantity = 1_000_000_000_000_000;

    private static readonly TimeSpan Ahead = TimeSpan.FromDays(1);

    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"];

    /// <summary>An event as the stream has it: what it is must be for who wrote it there.</summary>
    public static InspectedUsage Read(StoredEntry stored, TenantId tenant)
    {
        var usage = Read(stored.Data, tenant, stored.Time);
        var origin = usage.Corrects is not null ? UsageOrigins.Corrections : usage.Used?.Type == UsageEvent.RequestType ? UsageOrigins.Requests : UsageOrigins.Turns;
        return usage.Used is null || origin == UsageOrigins.Of(stored.Subject) ? usage
            : usage with { Problem = $"{(usage.Corrects is null ? $"its type is {usage.Used.Type}, which" : "it is a correction, which")} is not recorded under {stored.Subject}", Used = null };
    }

    /// <param name="now">When it was stored, by NATS: the clock of whoever reads it may be wrong.</param>
    public static InspectedUsage Read(ReadOnlyMemory<byte> bytes, TenantId tenant, DateTimeOffset now)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return Read(document.RootElement, tenant, now);
        }
        catch (JsonException)
        {
            return new InspectedUsage("", "", "it is not JSON", null);
        }
    }

    private static InspectedUsage Read(JsonElement root, TenantId tenant, DateTimeOffset now)
    {
        var id = Text(root, "id") ?? "";
        if (FindProblem(root, tenant) is { } problem)
        {
            return new InspectedUsage(id.Length > LongestText ? "" : id, "", problem, null);
        }

        // Without a time OpenMeter takes the one at which it gets the event: another hour, and another one at each retry.
        if (!DateTimeOffset.TryParseExact(Text(root, "time"), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return new InspectedUsage(id, "", "its time is not RFC 3339 with an offset", null);
        }

        if (time > now + Ahead || time < now - Streams.Ledger.MaxAge)
        {
            return new InspectedUsage(id, "", "its time is more than a day ahead, or older than the ledger keeps", null);
        }

        var hour = UsageHour.Of(time);
        var type = Text(root, "type")!;
        var data = root.GetProperty("data");
        var used = new UsageTotal(tenant, hour, Text(data, "model") ?? "", type) { Events = 1 };
        return ReadQuantities(id, data, used);
    }

    /// <summary>What a meter reads of an event of the type.</summary>
    private static string[] FieldsOf(string type) => type switch
    {
        UsageEvent.BillableType or UsageEvent.NonBillableType => ["requests", "input_tokens_uncached", "cache_read_tokens", "cache_write_tokens", "output_tokens_visible", "reasoning_tokens", "total_tokens"],
        UsageEvent.RequestType => ["requests"],
        UsageEvent.TurnType => ["turns"],
        _ => [],
    };

    private static InspectedUsage ReadQuantities(string id, JsonElement data, UsageTotal used)
    {
        var isCorrection = Text(data, "kind") == Correction;
        if (isCorrection && Text(data, "corrects") is not { Length: > 0 and <= LongestText })
        {
            return new InspectedUsage(id, used.Hour, "it is a correction and does not say of what", null);
        }

        var quantities = new Dictionary<string, decimal>();
        foreach (var field in FieldsOf(used.Type))
        {
            if (Text(data, field) is not { } text || !decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quantity))
            {
                return new InspectedUsage(id, used.Hour, $"data.{field} is not a decimal string", null);
            }

            if (quantity > (isCorrection ? 0 : LargestQuantity) || quantity < (isCorrection ? -LargestQuantity : 0))
            {
                return new InspectedUsage(id, used.Hour, $"data.{field} is {(isCorrection ? "positive, in a correction," : "negative")} or too large", null);
            }

            quantities[field] = quantity;
        }

        used = used with
        {
            Requests = quantities.GetValueOrDefault("requests"),
            Turns = quantities.GetValueOrDefault("turns"),
            InputTokensUncached = quantities.GetValueOrDefault("input_tokens_uncached"),
            CacheReadTokens = quantities.GetValueOrDefault("cache_read_tokens"),
            CacheWriteTokens = quantities.GetValueOrDefault("cache_write_tokens"),
            OutputTokensVisible = quantities.GetValueOrDefault("output_tokens_visible"),
            ReasoningTokens = quantities.GetValueOrDefault("reasoning_tokens"),
            TotalTokens = quantities.GetValueOrDefault("total_tokens"),
        };
        var sum = used.InputTokensUncached + used.CacheReadTokens + used.CacheWriteTokens + used.OutputTokensVisible + used.ReasoningTokens;
        return sum == used.TotalTokens
            ? new InspectedUsage(id, used.Hour, null, used, isCorrection ? Text(data, "corrects") : null)
            : new InspectedUsage(id, used.Hour, "data.total_tokens is not the sum of the five buckets", null);
    }

    private static string? FindProblem(JsonElement root, TenantId tenant)
    {
        foreach (var field in (string[])["id", "source", "specversion", "type", "subject", "time"])
        {
            if (Text(root, field) is not { Length: > 0 and <= LongestText })
            {
                return $"{field} is missing, or is not a text of 1 to {LongestText} characters";
            }
        }

        // The identity in OpenMeter is source and id; in the ledger it is the id alone.
        var source = Text(root, "type") == UsageEvent.RequestType ? UsageEvent.ApiSource : UsageEvent.ConstantSource;
        return Text(root, "source") != source ? $"its source is not {source}"
            : Text(root, "specversion") != "1.0" ? "specversion is not 1.0"
            : Text(root, "subject") != tenant.ToString() ? $"its subject is not {tenant}, whose usage it was recorded as"
            : !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object ? "data is not an object"
            : Text(data, "model") is { Length: > LongestText } ? $"data.model is longer than {LongestText} characters"
            : root.EnumerateObject().FirstOrDefault(field => !field.Name.All(char.IsAsciiLetterOrDigit)) is { Value.ValueKind: not JsonValueKind.Undefined } odd ? $"{odd.Name} is no CloudEvents attribute"
            : null;
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
