using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>OpenMeter's <c>GET /api/v2/events</c>: newest first, a hundred at most, by a filter and a cursor of time and id.</summary>
internal static class OpenMeterListing
{
    private const int Most = 100;

    /// <summary>The answer, or the detail of the 400.</summary>
    public static (JsonObject? Page, string? Problem) Read(IQueryCollection query, OpenMeterStore store)
    {
        var limit = query.TryGetValue("limit", out var text) ? int.Parse(text.ToString(), CultureInfo.InvariantCulture) : Most;
        if (limit is < 1 or > Most)
        {
            return (null, $"limit must be less than or equal to {Most}");
        }

        List<string>? sources = null;
        List<string>? ids = null;
        if (query.TryGetValue("filter", out var filter))
        {
            var parsed = JsonElement.Parse(filter.ToString());
            ids = parsed.TryGetProperty("id", out var id) ? [.. Values(id)] : null;
            sources = parsed.TryGetProperty("source", out var named) ? [.. Values(named)] : null;
        }

        var rows = store.Visible(ids)
            .Where(row => sources is null || sources.Contains(row.Event.GetProperty("source").GetString()!))
            .Select(row => (Row: row, Key: KeyOf(row)))
            .OrderByDescending(row => row.Key.Time, StringComparer.Ordinal).ThenByDescending(row => row.Key.Id, StringComparer.Ordinal).ToList();
        if (query.TryGetValue("cursor", out var cursor))
        {
            var at = cursor.ToString().Split('|');
            rows = [.. rows.Where(row => string.CompareOrdinal(row.Key.Time, at[0]) < 0 || (row.Key.Time == at[0] && string.CompareOrdinal(row.Key.Id, at[1]) < 0))];
        }

        JsonObject page = new() { ["items"] = new JsonArray([.. rows.Take(limit).Select(row => (JsonNode)ItemOf(row.Row))]) };
        if (rows.Count > 0)
        {
            var last = rows[Math.Min(limit, rows.Count) - 1].Key;
            page["nextCursor"] = $"{last.Time}|{last.Id}";
        }

        return (page, null);
    }

    private static IEnumerable<string> Values(JsonElement condition) =>
        condition.TryGetProperty("$in", out var several) ? several.EnumerateArray().Select(value => value.GetString()!) : [condition.GetProperty("$eq").GetString()!];

    /// <summary>Time is kept in whole seconds.</summary>
    private static (string Time, string Id) KeyOf(OpenMeterRow row) => (
        (row.Event.TryGetProperty("time", out var time) && time.ValueKind == JsonValueKind.String ? time.GetDateTimeOffset() : row.IngestedAt).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        row.Event.GetProperty("id").GetString()!);

    private static JsonObject ItemOf(OpenMeterRow row)
    {
        JsonObject item = new()
        {
            ["event"] = JsonNode.Parse(row.Event.GetRawText()),
            ["ingestedAt"] = row.IngestedAt.ToString("O", CultureInfo.InvariantCulture),
            ["storedAt"] = row.VisibleAt.ToString("O", CultureInfo.InvariantCulture),
        };
        return item;
    }
}
