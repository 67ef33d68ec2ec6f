namespace Kgents.Api.Limits;

/// <summary>How a limit stands after a request.</summary>
/// <param name="Reset">Until there is all of it again, if nobody asks.</param>
/// <param name="Wait">Until there is one more; null when the request may be made.</param>
internal readonly record struct LimitState(RequestLimit Limit, long Remaining, TimeSpan Reset, TimeSpan? Wait)
{
    public bool IsRefused => Wait is not null;

    public static LimitState UsedUp(RequestLimit limit, TimeSpan reset, TimeSpan wait) => new(limit, 0, reset, wait);
}
