namespace Kgents.Contracts;

/// <summary>Why a turn failed, as clients see it.</summary>
public static class TurnErrorCodes
{
    /// <summary>The model could not be reached, refused, or broke off. Nothing is billed.</summary>
    public const string ModelUnavailable = "model_unavailable";

    /// <summary>The answer grew over the limit of a stored message.</summary>
    public const string ReplyTooLong = "reply_too_long";

    /// <summary>Every worker that ran the turn died.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>The turn waited in the queue for longer than the limit.</summary>
    public const string Expired = "expired";

    /// <summary>The stored user message could not be read; it is among the dead letters.</summary>
    public const string UnreadableMessage = "unreadable_message";
}
