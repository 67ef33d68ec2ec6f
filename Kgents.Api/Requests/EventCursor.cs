using System.Globalization;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>The event after which a client wants a stream to begin: <c>Last-Event-ID</c>, or <c>?after=</c>, which a browser's EventSource can send with its first request.</summary>
internal static class EventCursor
{
    /// <summary>Null when the cursor could be read, or there is none.</summary>
    public static ProblemHttpResult? Read(HttpRequest request, string? after, out ulong? cursor)
    {
        cursor = null;
        var text = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : after;
        if (text is null)
        {
            return null;
        }

        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return Problem.Invalid(400, "after", "is not the id of an event (nor is Last-Event-ID)");
        }

        cursor = sequence;
        return null;
    }
}
