namespace Kgents.Contracts;

/// <summary>What a webhook can be told of.</summary>
public static class WebhookEventTypes
{
    /// <summary>So much of the month's tokens is used.</summary>
    public const string ThresholdReached = "usage.threshold.reached";

    /// <summary>The month's tokens are used up, or too few are left for what was asked.</summary>
    public const string LimitExceeded = "usage.limit.exceeded";

    /// <summary>A new month, after one of which something was told.</summary>
    public const string LimitReset = "usage.limit.reset";

    /// <summary>A usage event is a dead letter.</summary>
    public const string EventQuarantined = "metering.event.quarantined";

    /// <summary>OpenMeter has not shown usage for long.</summary>
    public const string DeliveryDelayed = "metering.delivery.delayed";

    /// <summary>OpenMeter's sum is not the ledger's.</summary>
    public const string ReconciliationMismatch = "metering.reconciliation.mismatch";

    /// <summary>Somebody asked for it, for one webhook.</summary>
    public const string Test = "webhook.test";

    /// <summary>Those that can be chosen.</summary>
    public static IReadOnlyList<string> Choices { get; } = [ThresholdReached, LimitExceeded, LimitReset, EventQuarantined, DeliveryDelayed, ReconciliationMismatch];
}
