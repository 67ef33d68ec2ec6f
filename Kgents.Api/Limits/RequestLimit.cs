namespace Kgents.Api.Limits;

/// <summary>One limit of a request: a bucket of so many that is filled again within a minute, or so many in each day of UTC.</summary>
/// <param name="Policy">Its name to clients: <c>minute</c>, <c>day</c>, <c>key-minute</c> or <c>key-day</c>.</param>
/// <param name="OfKey">It is the key's own, and not the tenant's.</param>
internal sealed record RequestLimit(string Policy, long Quota, TimeSpan Length, bool OfKey)
{
    public static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public bool IsBucket => Length == Minute;

    public static RequestLimit OfTenantMinute(long quota) => new("minute", quota, Minute, OfKey: false);

    public static RequestLimit OfTenantDay(long quota) => new("day", quota, Day, OfKey: false);

    public static RequestLimit OfKeyMinute(long quota) => new("key-minute", quota, Minute, OfKey: true);

    public static RequestLimit OfKeyDay(long quota) => new("key-day", quota, Day, OfKey: true);
}
