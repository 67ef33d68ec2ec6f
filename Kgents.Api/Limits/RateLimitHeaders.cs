using System.Globalization;

namespace Kgents.Api.Limits;

/// <summary>What is left of a window.</summary>
/// <param name="Seconds">Until the next one begins.</param>
internal readonly record struct WindowState(RequestWindow Window, long Remaining, long Seconds);

/// <summary>
/// <c>RateLimit-Policy</c> and <c>RateLimit</c> as draft-ietf-httpapi-ratelimit-headers-10 has them, and the <c>X-RateLimit-*</c> that SDKs read, of the window
/// with the least left. All times are in seconds from now.
/// </summary>
internal static class RateLimitHeaders
{
    public static void Write(IHeaderDictionary headers, IReadOnlyList<WindowState> states)
    {
        headers["RateLimit-Policy"] = string.Join(", ", states.Select(state =>
            string.Create(CultureInfo.InvariantCulture, $"\"{state.Window.Policy}\";q={state.Window.Quota};w={(long)state.Window.Length.TotalSeconds}")));
        headers["RateLimit"] = string.Join(", ", states.Select(state =>
            string.Create(CultureInfo.InvariantCulture, $"\"{state.Window.Policy}\";r={state.Remaining};t={state.Seconds}")));
        var least = states.MinBy(state => state.Remaining);
        headers["X-RateLimit-Limit"] = Text(least.Window.Quota);
        headers["X-RateLimit-Remaining"] = Text(least.Remaining);
        headers["X-RateLimit-Reset"] = Text(least.Seconds);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
