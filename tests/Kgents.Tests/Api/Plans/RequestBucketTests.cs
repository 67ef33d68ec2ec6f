using Kgents.Api.Limits;
using Kgents.Contracts;

namespace Kgents.Tests.Api.Plans;

public sealed class RequestBucketTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 23, 59, 59, TimeSpan.Zero);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(60)]
    [InlineData(100_003)]
    public void Bucket_HasItsQuota_AndNotOneMore(long quota) => Assert.Equal(quota, TakeAll(RequestBucket.At(null, quota, Start), quota).Taken);

    [Theory]
    [InlineData(7, 60, 7)]
    [InlineData(7, 3600, 7)]
    [InlineData(60, 1, 1)]
    [InlineData(60, 59, 59)]
    [InlineData(6_000, 10, 1_000)]
    public void Bucket_FillsEvenly_UpToItsQuota(long quota, int seconds, long expected)
    {
        var (_, empty) = TakeAll(RequestBucket.At(null, quota, Start), quota);

        Assert.Equal(expected, TakeAll(RequestBucket.At(empty, quota, Start.AddSeconds(seconds)), quota).Taken);
    }

    /// <summary>Of N a minute never more than twice N in any minute, and N a minute for as long as it goes on.</summary>
    [Fact]
    public void Bucket_LetsThroughItsRate_WhoeverAsksWithoutEnd()
    {
        const long Quota = 30;
        var bucket = RequestBucket.At(null, Quota, Start);
        var taken = 0L;
        for (var tenth = 0; tenth <= 6_000; tenth++)
        {
            (var now, bucket) = TakeAll(RequestBucket.At(bucket, Quota, Start.AddSeconds(tenth / 10.0)), Quota);
            taken += now;
        }

        Assert.Equal(Quota + (10 * Quota), taken);
    }

    [Fact]
    public void Wait_IsAsLongAsItTakes()
    {
        var limit = RequestLimit.OfTenantMinute(6);
        var (_, empty) = TakeAll(RequestBucket.At(null, 6, Start), 6);

        var refused = RequestBucket.Refused(RequestBucket.At(empty, 6, Start.AddSeconds(4)), limit);

        Assert.Equal((6, 0L, 56), (Math.Round(refused.Wait!.Value.TotalSeconds, 3), refused.Remaining, Math.Round(refused.Reset.TotalSeconds, 3)));
        Assert.NotNull(RequestBucket.Take(RequestBucket.At(empty, 6, Start.AddSeconds(4) + refused.Wait.Value), 6));
    }

    /// <summary>At once, after a while, and when it was written by a clock that is ahead.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(-30)]
    [InlineData(-3_600)]
    public void Bucket_IsFullWithinAMinute_WhenItsQuotaIsLowered(int seconds)
    {
        const long Lower = 10;
        var (_, empty) = TakeAll(RequestBucket.At(null, 60_000, Start), 60_000);

        var lowered = RequestBucket.At(empty, Lower, Start.AddSeconds(seconds));

        Assert.InRange(lowered.Spent, 0, Lower);
        Assert.InRange(RequestBucket.Refused(lowered, RequestLimit.OfTenantMinute(Lower)).Wait!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(6));
        Assert.Equal(Lower, TakeAll(RequestBucket.At(lowered, Lower, lowered.At + RequestLimit.Minute), Lower).Taken);
    }

    /// <summary>Two replicas whose clocks differ do not fill the same time twice.</summary>
    [Fact]
    public void Bucket_IsNotFilledTwice_WhenClocksDiffer()
    {
        const long Quota = 60;
        var (_, bucket) = TakeAll(RequestBucket.At(null, Quota, Start), Quota);
        var taken = 0L;
        for (var time = 0; time < 50; time++)
        {
            (var now, bucket) = TakeAll(RequestBucket.At(bucket, Quota, Start.AddSeconds(time % 2 == 0 ? 1 : 0)), Quota);
            taken += now;
        }

        Assert.Equal(1, taken);
    }

    private static (long Taken, RequestRateRecord Bucket) TakeAll(RequestRateRecord bucket, long quota)
    {
        var taken = 0L;
        while (RequestBucket.Take(bucket, quota) is { } next)
        {
            (bucket, taken) = (next, taken + 1);
        }

        return (taken, bucket);
    }
}
