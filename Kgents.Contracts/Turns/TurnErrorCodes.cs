namespace Kgents.Contracts;

/// <summary>Why a turn failed, as clients see it. Nothing of a failed turn is billed, but what was said before the quota was used up.</summary>
public static class TurnErrorCodes
{
    /// <summary>The model could not be reached, or its provider is out of order.</summary>
    public const string ModelUnavailable = "model_unavailable";

    /// <summary>The provider does not take the service's key, or its account has run out.</summary>
    public const string ModelRefusedCredentials = "model_refused_credentials";

    /// <summary>The provider takes no such request: no such model, or more text than it can read.</summary>
    public const string ModelRefusedRequest = "model_refused_request";

    /// <summary>The provider limits how much it is asked.</summary>
    public const string ModelRateLimited = "model_rate_limited";

    /// <summary>The model said nothing for too long.</summary>
    public const string ModelStalled = "model_stalled";

    /// <summary>The answer ended before the model did.</summary>
    public const string ModelBrokeOff = "model_broke_off";

    /// <summary>The model ended without a word.</summary>
    public const string ModelEmpty = "model_empty";

    /// <summary>What came is not the provider's protocol, or not UTF-8.</summary>
    public const string ModelUnreadable = "model_unreadable";

    /// <summary>The model that was asked for is not offered any more.</summary>
    public const string ModelNotAllowed = "model_not_allowed";

    /// <summary>The answer grew over the limit of a stored message.</summary>
    public const string ReplyTooLong = "reply_too_long";

    /// <summary>The tenant's tokens of the month are used up.</summary>
    public const string QuotaExceeded = "quota_exceeded";

    /// <summary>Every worker that ran the turn died.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>The turn waited in the queue for longer than the limit.</summary>
    public const string Expired = "expired";

    /// <summary>The stored user message could not be read; it is among the dead letters.</summary>
    public const string UnreadableMessage = "unreadable_message";

    /// <summary>An entry of the turn's log could not be read; it is among the dead letters.</summary>
    public const string UnreadableLog = "unreadable_log";

    /// <summary>The stored answer could not be read.</summary>
    public const string UnreadableAnswer = "unreadable_answer";
}
