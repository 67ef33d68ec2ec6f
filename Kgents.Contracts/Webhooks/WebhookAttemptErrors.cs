namespace Kgents.Contracts;

/// <summary>Why a try had no answer.</summary>
public static class WebhookAttemptErrors
{
    public const string Timeout = "timeout";

    /// <summary>Refused, unreachable, or broken off.</summary>
    public const string Connection = "connection";

    public const string NameNotFound = "name_not_found";

    public const string Tls = "tls";

    /// <summary>Its name stands for an address that is not of the public Internet.</summary>
    public const string AddressNotAllowed = "address_not_allowed";

    public const string Unreadable = "unreadable_answer";

    public const string WebhookDisabled = "webhook_disabled";

    public const string WebhookDeleted = "webhook_deleted";
}
