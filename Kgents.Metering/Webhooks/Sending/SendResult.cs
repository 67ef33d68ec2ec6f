using System.Net;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>What a try came to.</summary>
/// <param name="Status">Null when there was no answer.</param>
/// <param name="Error">Null when there was one.</param>
/// <param name="RetryAfter">What the receiver asks for.</param>
internal readonly record struct SendResult(HttpStatusCode? Status, string? Error, TimeSpan? RetryAfter = null)
{
    /// <summary>Nothing else is: a redirect leads to an address that its owner never gave to us.</summary>
    public bool IsSuccess => (int?)Status is >= 200 and < 300;

    public bool IsGone => Status == HttpStatusCode.Gone;
}
