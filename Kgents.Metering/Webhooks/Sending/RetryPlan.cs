using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>What becomes of a delivery after a try, by the schedule.</summary>
internal sealed class RetryPlan(IOptions<WebhookDeliveryOptions> options, TimeProvider time)
{
    /// <summary>Attempts that a delivery remembers, which may be redelivered by hand again and again.</summary>
    private const int MostAttempts = 30;

    /// <summary>So that what failed at once does not come again at once.</summary>
    private const double Jitter = 0.1;

    private readonly IReadOnlyList<TimeSpan> pauses = options.Value.ReadSchedule();

    public TimeSpan FirstPause => Jittered(pauses[0]);

    public WebhookDelivery After(WebhookDelivery delivery, SendResult result, WebhookAttempt attempt)
    {
        var tries = delivery.Tries + 1;
        var isLast = result.IsSuccess || result.IsGone || tries >= pauses.Count;
        return With(delivery, attempt) with
        {
            State = result.IsSuccess ? WebhookDeliveryState.Delivered : isLast ? WebhookDeliveryState.Failed : WebhookDeliveryState.Pending,
            Tries = tries,
            NextAttemptAt = isLast ? null : time.GetUtcNow() + PauseBefore(tries, result.RetryAfter),
        };
    }

    /// <summary>It is not sent, and not to be sent any more.</summary>
    public WebhookDelivery GivenUp(WebhookDelivery delivery, string error) => With(delivery, new WebhookAttempt(time.GetUtcNow(), 0, null, error)) with
    {
        State = WebhookDeliveryState.Failed,
        NextAttemptAt = null,
    };

    private static WebhookDelivery With(WebhookDelivery delivery, WebhookAttempt attempt) =>
        delivery with { Attempts = [.. delivery.Attempts.Append(attempt).TakeLast(MostAttempts)], ClaimedUntil = null };

    private TimeSpan PauseBefore(int @try, TimeSpan? asked)
    {
        var pause = Jittered(pauses[@try]);
        var atLeast = asked > options.Value.LongestRetryAfter ? options.Value.LongestRetryAfter : asked ?? TimeSpan.Zero;
        return pause > atLeast ? pause : atLeast;
    }

    private static TimeSpan Jittered(TimeSpan pause) => pause * (1 + (Jitter * Random.Shared.NextDouble()));
}
