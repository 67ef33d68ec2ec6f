namespace Kgents.Api.Usage;

/// <summary>Into which pieces of time usage is added up. All are of UTC.</summary>
internal static class UsageWindow
{
    public const string ByHour = "hour";
    public const string ByDay = "day";
    public const string ByMonth = "month";
    public const string Total = "total";

    public static IReadOnlyList<string> All { get; } = [ByHour, ByDay, ByMonth, Total];

    /// <summary>When the month of a time begins.</summary>
    public static DateTimeOffset Month(DateTimeOffset time) => new(time.Year, time.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The window that an hour lies in, cut to the span that was asked for.</summary>
    public static (DateTimeOffset Start, DateTimeOffset End) Of(DateTimeOffset hour, UsageQuery query)
    {
        var day = new DateTimeOffset(hour.Year, hour.Month, hour.Day, 0, 0, 0, TimeSpan.Zero);
        var (start, end) = query.Window switch
        {
            ByHour => (hour, hour.AddHours(1)),
            ByDay => (day, day.AddDays(1)),
            ByMonth => (Month(hour), Month(hour).AddMonths(1)),
            Total => (query.From, query.To),
            _ => throw new ArgumentOutOfRangeException(nameof(query), query.Window, "is no window"),
        };
        return (start < query.From ? query.From : start, end > query.To ? query.To : end);
    }
}
