using Kgents.Api.Usage;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Tests.Api.Usage;

public sealed class UsageWindowTests
{
    [Theory]
    [InlineData("day", "2026-01-31T22:00:00Z", "2026-02-02T03:00:00Z", "2026-01-31T22..2026-02-01T00 2026-02-01T00..2026-02-02T00 2026-02-02T00..2026-02-02T03")]
    [InlineData("month", "2026-01-31T22:00:00Z", "2026-02-02T03:00:00Z", "2026-01-31T22..2026-02-01T00 2026-02-01T00..2026-02-02T03")]
    [InlineData("total", "2026-01-31T22:00:00Z", "2026-02-02T03:00:00Z", "2026-01-31T22..2026-02-02T03")]
    [InlineData("hour", "2026-01-31T22:00:00Z", "2026-02-01T01:00:00Z", "2026-01-31T22..2026-01-31T23 2026-01-31T23..2026-02-01T00 2026-02-01T00..2026-02-01T01")]
    public void Windows_AreOfUtc_AndCutToTheSpan(string window, string from, string to, string expected)
    {
        Assert.Null(UsageQuery.Read(new(from, to, window, null, null, null, null, null), DateTimeOffset.UnixEpoch, out var query));
        var windows = new List<string>();
        for (var hour = query.From; hour < query.To; hour = hour.AddHours(1))
        {
            var (start, end) = UsageWindow.Of(hour, query);
            Assert.True(start <= hour && hour < end);
            windows.Add($"{UsageHour.Of(start)}..{UsageHour.Of(end)}");
        }

        Assert.Equal(expected, string.Join(' ', windows.Distinct()));
    }
}
