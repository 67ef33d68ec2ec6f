using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kgents.Testing;

/// <summary>OpenMeter's v1 schema of an event, and what its CloudEvents parser refuses after that.</summary>
internal static partial class OpenMeterEventSchema
{
    private static readonly string[] Required = ["id", "source", "specversion", "type", "subject"];
    private static readonly string[] Optional = ["time", "data", "datacontenttype", "dataschema"];

    /// <summary>The schema violation, for example <c>Error at "/3/subject": property "subject" is missing</c>; null if none.</summary>
    /// <param name="path"><c>/3</c> inside a batch, empty for a single event.</param>
    public static string? FindViolation(JsonElement value, string path)
    {
        if (value.ValueKind is not JsonValueKind.Object)
        {
            return path is "" ? "value must be an object" : $"""Error at "{path}": value must be an object""";
        }

        foreach (var name in Required)
        {
            var problem = !value.TryGetProperty(name, out var text) ? $"property \"{name}\" is missing"
                : text.ValueKind is JsonValueKind.Null ? "Value is not nullable"
                : text.ValueKind is not JsonValueKind.String ? "value must be a string"
                : text.GetString() is "" ? "minimum string length is 1"
                : null;
            if (problem is not null)
            {
                return $"""Error at "{path}/{name}": {problem}""";
            }
        }

        foreach (var name in Optional)
        {
            if (value.TryGetProperty(name, out var found)
                && found.ValueKind is not JsonValueKind.Null
                && FindOptionalProblem(name, found) is { } problem)
            {
                return $"""Error at "{path}/{name}": {problem}""";
            }
        }

        return null;
    }

    /// <summary>What passes the schema and is still no event. OpenMeter does not say which one of a batch it was.</summary>
    public static string? FindParseError(JsonElement value)
    {
        if (value.GetProperty("specversion").GetString() is not ("1.0" or "0.3") and var version)
        {
            return $"specversion: unknown value: {version}";
        }

        if (value.TryGetProperty("time", out var time) && time.GetString() is { } text && !IsCalendarDay(text))
        {
            return $"cannot parse time \"{text}\": day out of range";
        }

        foreach (var property in value.EnumerateObject())
        {
            if (!property.Name.All(char.IsAsciiLetterOrDigit))
            {
                return $"bad key, CloudEvents attribute names MUST consist of lower-case letters or digits: {property.Name}";
            }
        }

        return null;
    }

    private static string? FindOptionalProblem(string name, JsonElement value) => name switch
    {
        "data" => value.ValueKind is JsonValueKind.Object ? null : "value must be an object",
        _ when value.ValueKind is not JsonValueKind.String => "value must be a string",
        "time" => Rfc3339().IsMatch(value.GetString()!) ? null : "string doesn't match the format \"date-time\"",
        "datacontenttype" => value.GetString() is "application/json"
            ? null
            : "value is not one of the allowed values [\"application/json\"]",
        _ => null,
    };

    private static bool IsCalendarDay(string time)
    {
        var year = int.Parse(time.AsSpan(0, 4), CultureInfo.InvariantCulture);
        var month = int.Parse(time.AsSpan(5, 2), CultureInfo.InvariantCulture);
        var day = int.Parse(time.AsSpan(8, 2), CultureInfo.InvariantCulture);
        return year >= 1 && day <= CultureInfo.InvariantCulture.Calendar.GetDaysInMonth(year, month);
    }

    // Not DateTimeOffset.TryParse: it takes a missing offset for local time, and much else that OpenMeter refuses.
    [GeneratedRegex(@"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z")]
    private static partial Regex Rfc3339();
}
