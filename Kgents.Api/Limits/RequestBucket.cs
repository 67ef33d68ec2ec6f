using Kgents.Contracts;

namespace Kgents.Api.Limits;

/// <summary>
/// A token bucket: of a limit of N, N requests at once and N in a minute for as long as it goes on. What is stored is how many were missing when, so it fills by looking at it, and
/// nobody has to. Its time never goes back, whoever's clock is behind, so what has been filled is not filled twice.
/// </summary>
internal static class RequestBucket
{
    /// <summary>What is left of sums of fractions. A request is one, so it lets none through.</summary>
    private const double Rounding = 1e-6;

    /// <summary>The bucket at this time. No more is missing than the quota: it may have been higher when it was taken, and is waited for no longer than the present one takes to fill.</summary>
    public static RequestRateRecord At(RequestRateRecord? bucket, long quota, DateTimeOffset now)
    {
        var spent = Math.Min(bucket?.Spent ?? 0, quota);
        if (bucket is null || IsFarAhead(bucket, now))
        {
            return new RequestRateRecord(spent, now);
        }

        var elapsed = now - bucket.At;
        return elapsed <= TimeSpan.Zero ? bucket with { Spent = spent } : new RequestRateRecord(Math.Max(0, spent - (elapsed / RequestLimit.Minute * quota)), now);
    }

    /// <summary>Whoever wrote it had a wrong clock. It is to be filled from now on, and not from then, so the right time must be written.</summary>
    public static bool IsFarAhead(RequestRateRecord bucket, DateTimeOffset now) => bucket.At > now + RequestLimit.Minute;

    /// <summary>The bucket without one more; null when there is none in it.</summary>
    public static RequestRateRecord? Take(RequestRateRecord bucket, long quota) =>
        bucket.Spent + 1 <= quota + Rounding ? bucket with { Spent = bucket.Spent + 1 } : null;

    public static LimitState Passed(RequestRateRecord bucket, RequestLimit limit) =>
        new(limit, (long)Math.Max(0, limit.Quota - bucket.Spent + Rounding), TimeToFill(bucket.Spent, limit.Quota), Wait: null);

    public static LimitState Refused(RequestRateRecord bucket, RequestLimit limit) =>
        LimitState.UsedUp(limit, TimeToFill(bucket.Spent, limit.Quota), TimeToFill(bucket.Spent + 1 - limit.Quota, limit.Quota));

    private static TimeSpan TimeToFill(double requests, long quota) => RequestLimit.Minute * (requests / quota);
}
