using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kgents.Testing;

/// <summary>What a SUM meter makes of a value: numbers and numeric strings count, everything else is silently nothing.</summary>
internal static partial class MeterValue
{
    public static decimal? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => Parse(value.GetRawText()),
        JsonValueKind.String when Numeric().IsMatch(value.GetString()!) => Parse(value.GetString()!),
        _ => null,
    };

    private static decimal Parse(string text) => decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\A[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\z")]
    private static partial Regex Numeric();
}
