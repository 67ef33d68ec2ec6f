using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;

namespace Kgents.Api.Webhooks;

/// <summary>What became of events at a webhook, and the order to send one again.</summary>
internal sealed class DeliveryLog(WebhookStore webhooks, WebhookDeliveries deliveries, TimeProvider time)
{
    /// <summary>Far more than whoever makes deliveries allows an event to be older than its webhook.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    public async Task<IResult> ListAsync(TenantId tenant, string webhookId, string? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (Paging.Read(limit, cursor, ulong.MaxValue, out var page) is { } problem)
        {
            return problem;
        }

        if (!WebhookId.TryParse(webhookId, null, out var id) || await webhooks.FindAsync(tenant, id, cancellationToken) is not { } webhook)
        {
            return Problem.WebhookNotFound;
        }

        var (found, next) = await deliveries.PageAsync(tenant, id, webhook.CreatedAt - ClockSkew, page.Cursor, page.Limit, cancellationToken);
        return TypedResults.Ok(new DeliveryPage([.. found.Select(each => DeliveryResponse.From(each.Id, each.Delivery))], Paging.Text(next)));
    }

    /// <summary>It is due now, and begins the schedule anew, whatever became of it before.</summary>
    public async Task<IResult> RedeliverAsync(TenantId tenant, string webhookId, string deliveryId, CancellationToken cancellationToken)
    {
        if (!WebhookId.TryParse(webhookId, null, out var webhook) || await webhooks.FindAsync(tenant, webhook, cancellationToken) is not { } found)
        {
            return Problem.WebhookNotFound;
        }

        if (found.DisabledAt is not null)
        {
            return Problem.WebhookDisabled;
        }

        return WebhookEventId.TryParse(deliveryId, null, out var id) && await deliveries.ChangeAsync(new DeliveryAddress(tenant, webhook, id), Again, cancellationToken) is { } again
            ? TypedResults.Json(DeliveryResponse.From(id, again), ApiJson.Default.DeliveryResponse, statusCode: 202)
            : Problem.DeliveryNotFound;

        WebhookDelivery Again(WebhookDelivery delivery) => delivery with { State = WebhookDeliveryState.Pending, Tries = 0, NextAttemptAt = time.GetUtcNow() };
    }
}
