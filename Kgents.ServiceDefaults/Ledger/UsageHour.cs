using System.Globalization;

namespace Kgents.ServiceDefaults.Ledger;

/// <summary>The UTC hour of a time, as <c>2026-01-02T03</c>: it sorts as time does.</summary>
public static class UsageHour
{
    private const string Format = "yyyy-MM-dd'T'HH";

    public static string Of(DateTimeOffset time) => time.ToUniversalTime().ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>When an hour begins.</summary>
    public static DateTimeOffset Start(string hour) => DateTimeOffset.ParseExact(hour, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
