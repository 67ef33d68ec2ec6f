using System.Globalization;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Usage;

/// <summary>Which usage a client wants to see, and how it is added up.</summary>
internal sealed record UsageQuery(DateTimeOffset From, DateTimeOffset To, string Window, IReadOnlyList<string> GroupBy, string? Model, SessionId? Session, ApiKeyId? Key)
{
    public const string ByModel = "model";
    public const string BySession = "session";

    public const string ByKey = "key";

    /// <summary>Nothing is kept for longer.</summary>
    private static readonly TimeSpan LongestSpan = Streams.Ledger.MaxAge;

    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss'Z'"];

    /// <summary>The ledger adds up by model; of which session and key an event is stands in the event alone.</summary>
    public bool NeedsEvents => Session is not null || Key is not null || GroupBy.Any(group => group is BySession or ByKey);

    public bool Covers(string hour) =>
        string.CompareOrdinal(hour, UsageHour.Of(From)) >= 0 && string.CompareOrdinal(hour, UsageHour.Of(To)) < 0;

    /// <summary>Null when all could be read.</summary>
    public static ProblemHttpResult? Read(UsageParameters asked, DateTimeOffset now, out UsageQuery query)
    {
        query = null!;
        var to = FullHour(now).AddHours(1);
        var from = UsageWindow.Month(FullHour(now));
        if ((ReadTime("from", asked.From, ref from) ?? ReadTime("to", asked.To, ref to)) is { } noTime)
        {
            return noTime;
        }

        if (from >= to)
        {
            return Problem.Invalid(422, "from", "must be before to; without it, it is the first day of this month, and to is the end of this hour");
        }

        if (to - from > LongestSpan)
        {
            return Problem.Invalid(422, "from", $"must be at most {LongestSpan.TotalDays:0} days before to: usage is kept for so long");
        }

        var window = asked.Window ?? UsageWindow.ByDay;
        if (!UsageWindow.All.Contains(window))
        {
            return Problem.Invalid(400, "window", $"must be one of {string.Join(", ", UsageWindow.All)}");
        }

        var groups = asked.GroupBy?.Split(',').Distinct().ToList() ?? [];
        if (groups.Exists(group => group is not (ByModel or BySession or ByKey)))
        {
            return Problem.Invalid(400, "group_by", $"must be of {ByModel}, {BySession}, {ByKey}, with a comma between them");
        }

        SessionId? session = null;
        if (asked.Session is not null)
        {
            if (!SessionId.TryParse(asked.Session, null, out var id))
            {
                return Problem.Invalid(400, "session", "is not a session id");
            }

            session = id;
        }

        ApiKeyId? key = null;
        if (asked.Key is not null)
        {
            if (!ApiKeyId.TryParse(asked.Key, null, out var id))
            {
                return Problem.Invalid(400, "key", "is not the id of a key, which begins with k-");
            }

            key = id;
        }

        query = new UsageQuery(from, to, window, groups, asked.Model, session, key);
        return null;
    }

    private static ProblemHttpResult? ReadTime(string name, string? text, ref DateTimeOffset time)
    {
        if (text is null)
        {
            return null;
        }

        if (!DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time))
        {
            return Problem.Invalid(400, name, "must be a day, as 2026-01-31, or a time with an offset, as 2026-01-31T13:00:00Z; a + is %2B in a query");
        }

        return time == FullHour(time) ? null : Problem.Invalid(422, name, "must be on a full hour of UTC: usage is added up by the hour");
    }

    private static DateTimeOffset FullHour(DateTimeOffset time) => UsageHour.Start(UsageHour.Of(time));
}
