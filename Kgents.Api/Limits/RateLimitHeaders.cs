using System.Globalization;

namespace Kgents.Api.Limits;

/// <summary>
/// <c>RateLimit-Policy</c> and <c>RateLimit</c> as draft-ietf-httpapi-ratelimit-headers-10 has them, and the <c>X-RateLimit-*</c> that SDKs read, of the limit
/// with the least left. All times are in seconds from now.
/// </summary>
internal static class RateLimitHeaders
{
    /// <summary>Up, so that who waits for as long does not come too early.</summary>
    public static long Seconds(TimeSpan time) => (long)Math.Ceiling(time.TotalSeconds);

    public static void Write(IHeaderDictionary headers, IReadOnlyList<LimitState> states)
    {
        headers["RateLimit-Policy"] = string.Join(", ", states.Select(state =>
            string.Create(CultureInfo.InvariantCulture, $"\"{state.Limit.Policy}\";q={state.Limit.Quota};w={(long)state.Limit.Length.TotalSeconds}")));
        headers["RateLimit"] = string.Join(", ", states.Select(state =>
            string.Create(CultureInfo.InvariantCulture, $"\"{state.Limit.Policy}\";r={state.Remaining};t={Seconds(state.Reset)}")));
        var least = states.MinBy(state => state.Remaining);
        headers["X-RateLimit-Limit"] = Text(least.Limit.Quota);
        headers["X-RateLimit-Remaining"] = Text(least.Remaining);
        headers["X-RateLimit-Reset"] = Text(Seconds(least.Reset));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
