using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Webhooks;

/// <summary>A tenant's administrators say where its events go. It takes <c>admin</c>, as keys do: who sets a webhook decides who learns what the tenant uses.</summary>
internal static class WebhookEndpoints
{
    private const int LargestBody = 16 * 1024;

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/v1/webhooks").RequireScope(Scopes.Admin).WithTags("Webhooks");
        webhooks.MapPost("/", CreateWebhook).Describe(WebhookOperations.Create).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        webhooks.MapGet("/", ListWebhooks).Describe(WebhookOperations.List);
        webhooks.MapGet("/{webhookId}", GetWebhook).Describe(WebhookOperations.Get);
        webhooks.MapPatch("/{webhookId}", ChangeWebhook).Describe(WebhookOperations.Change).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        webhooks.MapDelete("/{webhookId}", DeleteWebhook).Describe(WebhookOperations.Delete);
        webhooks.MapPost("/{webhookId}/rotate", RotateSecret).Describe(WebhookOperations.Rotate).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        webhooks.MapPost("/{webhookId}/test", TestWebhook).Describe(WebhookOperations.Test);
        webhooks.MapGet("/{webhookId}/deliveries", ListDeliveries).Describe(WebhookOperations.ListDeliveries);
        webhooks.MapPost("/{webhookId}/deliveries/{deliveryId}/redeliver", Redeliver).Describe(WebhookOperations.Redeliver);
    }

    private static Task<IResult> CreateWebhook(CreateWebhookRequest request, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.CreateAsync(user.Tenant(), request, cancellationToken);

    private static Task<IResult> ListWebhooks(ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.ListAsync(user.Tenant(), cancellationToken);

    private static Task<IResult> GetWebhook(string webhookId, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.GetAsync(user.Tenant(), webhookId, cancellationToken);

    private static Task<IResult> ChangeWebhook(string webhookId, ChangeWebhookRequest request, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.ChangeAsync(user.Tenant(), webhookId, request, cancellationToken);

    private static Task<IResult> DeleteWebhook(string webhookId, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.DeleteAsync(user.Tenant(), webhookId, cancellationToken);

    private static Task<IResult> RotateSecret(string webhookId, RotateWebhookRequest? request, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.RotateAsync(user.Tenant(), webhookId, request, cancellationToken);

    private static Task<IResult> TestWebhook(string webhookId, ClaimsPrincipal user, WebhookAdministration webhooks, CancellationToken cancellationToken) =>
        webhooks.TestAsync(user.Tenant(), webhookId, cancellationToken);

    private static Task<IResult> ListDeliveries(
        string webhookId, ClaimsPrincipal user, DeliveryLog deliveries, CancellationToken cancellationToken, string? limit = null, string? cursor = null) =>
        deliveries.ListAsync(user.Tenant(), webhookId, limit, cursor, cancellationToken);

    private static Task<IResult> Redeliver(string webhookId, string deliveryId, ClaimsPrincipal user, DeliveryLog deliveries, CancellationToken cancellationToken) =>
        deliveries.RedeliverAsync(user.Tenant(), webhookId, deliveryId, cancellationToken);
}
