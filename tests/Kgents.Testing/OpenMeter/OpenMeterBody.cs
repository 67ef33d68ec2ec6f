using System.Text.Json;

namespace Kgents.Testing;

/// <summary>Reads a body by its content type, as OpenMeter's request validator and then its handler do.</summary>
internal static class OpenMeterBody
{
    private const string Single = "application/cloudevents+json";
    private const string Batch = "application/cloudevents-batch+json";
    private const string Either = "application/json";

    /// <summary>Null for what is not JSON.</summary>
    public static JsonElement? Parse(byte[] bytes)
    {
        try
        {
            return JsonElement.Parse(bytes);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The events, or the detail of the 400.</summary>
    public static (IReadOnlyList<JsonElement> Events, string? Problem) Read(string? contentType, JsonElement? body)
    {
        // The validator drops parameters such as a charset; the handler then switches on the whole header.
        var mediaType = (contentType ?? "").Split(';')[0].Trim();
        if (mediaType is not (Single or Batch or Either))
        {
            return Refuse($"request body has an error: header Content-Type has unexpected value \"{contentType}\"");
        }

        if (body is not { } json)
        {
            return Refuse("request body has an error: failed to decode request body: invalid JSON");
        }

        if (FindViolation(mediaType, json) is { } violation)
        {
            return Refuse($"request body has an error: doesn't match schema: {violation}");
        }

        if (contentType != mediaType)
        {
            return Refuse($"invalid content type: {contentType}");
        }

        IReadOnlyList<JsonElement> events = json.ValueKind is JsonValueKind.Array ? [.. json.EnumerateArray()] : [json];
        if (mediaType is Either && events.Count is 0)
        {
            return Refuse("invalid event: no events found");
        }

        return events.Select(OpenMeterEventSchema.FindParseError).FirstOrDefault(error => error is not null) is { } unparsable
            ? Refuse($"invalid event: {unparsable}")
            : (events, null);
    }

    private static string? FindViolation(string mediaType, JsonElement json) => mediaType switch
    {
        Single => OpenMeterEventSchema.FindViolation(json, ""),
        Batch => FindBatchViolation(json),

        // Two schemas are possible, so the validator does not say what is wrong with either.
        _ => (json.ValueKind is JsonValueKind.Array ? FindBatchViolation(json) : OpenMeterEventSchema.FindViolation(json, "")) is null
            ? null
            : "doesn't match any schema from \"anyOf\"",
    };

    private static string? FindBatchViolation(JsonElement json) =>
        json.ValueKind is not JsonValueKind.Array
            ? "value must be an array"
            : json.EnumerateArray()
                .Select((value, index) => OpenMeterEventSchema.FindViolation(value, $"/{index}"))
                .FirstOrDefault(violation => violation is not null);

    private static (IReadOnlyList<JsonElement> Events, string? Problem) Refuse(string detail) => ([], detail);
}
