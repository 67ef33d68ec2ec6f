using System.Globalization;

namespace Kgents.Api.Usage;

/// <summary>Lines of CSV (RFC 4180).</summary>
internal static class Csv
{
    public const string MediaType = "text/csv";

    public static string Line(params IEnumerable<string?> values) => string.Join(',', values.Select(Quote)) + "\r\n";

    /// <summary>Text that came from outside. A spreadsheet runs what begins so, unless there is an apostrophe before it.</summary>
    public static string? Text(string? value) => value is { Length: > 0 } && value[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' ? "'" + value : value;

    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    public static string Truth(bool value) => value ? "true" : "false";

    private static string? Quote(string? value) =>
        value is not null && value.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value;
}
