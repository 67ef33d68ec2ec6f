namespace Kgents.Api.Limits;

/// <summary>One limit of a request: so many in each window of this length. Windows begin with the minute and the day of UTC.</summary>
/// <param name="Policy">Its name to clients: <c>minute</c>, <c>day</c>, <c>key-minute</c> or <c>key-day</c>.</param>
/// <param name="OfKey">It is the key's own, and not the tenant's.</param>
internal sealed record RequestWindow(string Policy, long Quota, TimeSpan Length, bool OfKey)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static RequestWindow OfTenantMinute(long quota) => new("minute", quota, Minute, OfKey: false);

    public static RequestWindow OfTenantDay(long quota) => new("day", quota, Day, OfKey: false);

    public static RequestWindow OfKeyMinute(long quota) => new("key-minute", quota, Minute, OfKey: true);

    public static RequestWindow OfKeyDay(long quota) => new("key-day", quota, Day, OfKey: true);

    /// <summary>What its counters are called.</summary>
    public string Name => Length == Minute ? "minute" : "day";

    public DateTimeOffset StartAt(DateTimeOffset now) => new(now.UtcTicks - (now.UtcTicks % Length.Ticks), TimeSpan.Zero);
}
