using System.Globalization;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>One page of a listing: how many, from where. A cursor is what an earlier page gave; a limit is cut to what one page may hold.</summary>
internal readonly record struct Paging(int Limit, ulong Cursor)
{
    public const int Default = 50;
    public const int Largest = 100;

    /// <summary>Null when both could be read.</summary>
    public static ProblemHttpResult? Read(string? limit, string? cursor, ulong cursorWhenAbsent, out Paging page)
    {
        page = default;
        var count = Default;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count == 0))
        {
            return Problem.Invalid(400, "limit", "must be a number from 1");
        }

        var from = cursorWhenAbsent;
        if (cursor is not null && !ulong.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out from))
        {
            return Problem.Invalid(400, "cursor", "is not a cursor of this listing");
        }

        page = new Paging(Math.Min(count, Largest), from);
        return null;
    }

    public static string? Text(ulong? cursor) => cursor?.ToString(CultureInfo.InvariantCulture);
}
