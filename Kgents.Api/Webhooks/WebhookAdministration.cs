using Kgents.Api.Problems;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Webhooks;

/// <summary>Creates, shows, changes and deletes the webhooks of one tenant.</summary>
internal sealed class WebhookAdministration(WebhookStore webhooks, WebhookEvents events, IOptions<WebhookOptions> options, TimeProvider time)
{
    public async Task<IResult> CreateAsync(TenantId tenant, CreateWebhookRequest request, CancellationToken cancellationToken)
    {
        if (request.Validate(options.Value) is { } problem)
        {
            return problem;
        }

        if ((await webhooks.OfAsync(tenant, cancellationToken)).Count >= options.Value.MaxPerTenant)
        {
            return Problem.TooManyWebhooks(options.Value.MaxPerTenant);
        }

        var secret = WebhookSecrets.Generate();
        var webhook = new WebhookRecord(
            WebhookId.New(time), tenant, request.Url!, [.. (request.Events ?? WebhookEventTypes.Choices).Distinct()], string.IsNullOrEmpty(request.Description) ? null : request.Description, [secret], time.GetUtcNow());
        await webhooks.AddAsync(webhook, cancellationToken);
        return TypedResults.Created($"/v1/webhooks/{webhook.Id}", WebhookResponse.From(webhook, secret.Value));
    }

    public async Task<IResult> ListAsync(TenantId tenant, CancellationToken cancellationToken) =>
        TypedResults.Ok(new WebhookPage([.. (await webhooks.OfAsync(tenant, cancellationToken)).Select(webhook => WebhookResponse.From(webhook))]));

    public async Task<IResult> GetAsync(TenantId tenant, string webhookId, CancellationToken cancellationToken) =>
        WebhookId.TryParse(webhookId, null, out var id) && await webhooks.FindAsync(tenant, id, cancellationToken) is { } webhook
            ? TypedResults.Ok(WebhookResponse.From(webhook))
            : Problem.WebhookNotFound;

    public async Task<IResult> ChangeAsync(TenantId tenant, string webhookId, ChangeWebhookRequest request, CancellationToken cancellationToken)
    {
        if (request.Validate(options.Value) is { } problem)
        {
            return problem;
        }

        return WebhookId.TryParse(webhookId, null, out var id) && await webhooks.ChangeAsync(tenant, id, webhook => request.ApplyTo(webhook, time.GetUtcNow()), cancellationToken) is { } changed
            ? TypedResults.Ok(WebhookResponse.From(changed))
            : Problem.WebhookNotFound;
    }

    public async Task<IResult> DeleteAsync(TenantId tenant, string webhookId, CancellationToken cancellationToken) =>
        WebhookId.TryParse(webhookId, null, out var id) && await webhooks.RemoveAsync(tenant, id, cancellationToken) ? TypedResults.NoContent() : Problem.WebhookNotFound;

    public async Task<IResult> RotateAsync(TenantId tenant, string webhookId, RotateWebhookRequest? request, CancellationToken cancellationToken)
    {
        if (request?.Validate() is { } problem)
        {
            return problem;
        }

        var secret = WebhookSecrets.Generate();
        var expiresAt = time.GetUtcNow() + (request?.OverlapHours is { } hours ? TimeSpan.FromHours(hours) : options.Value.RotationOverlap);
        return WebhookId.TryParse(webhookId, null, out var id)
            && await webhooks.ChangeAsync(tenant, id, webhook => webhook with { Secrets = WebhookSecrets.Rotated(webhook, secret, expiresAt) }, cancellationToken) is not null
            ? TypedResults.Ok(new WebhookSecretResponse(secret.Value, expiresAt))
            : Problem.WebhookNotFound;
    }

    /// <summary>Has an event made for this webhook alone, whatever it chose.</summary>
    public async Task<IResult> TestAsync(TenantId tenant, string webhookId, CancellationToken cancellationToken)
    {
        if (!WebhookId.TryParse(webhookId, null, out var id) || await webhooks.FindAsync(tenant, id, cancellationToken) is not { } webhook)
        {
            return Problem.WebhookNotFound;
        }

        if (webhook.DisabledAt is not null)
        {
            return Problem.WebhookDisabled;
        }

        var test = WebhookEventId.New(time);
        await events.PublishAsync(tenant, test, WebhookEventTypes.Test, new() { ["tenant_id"] = tenant.ToString(), ["webhook_id"] = id.ToString() }, cancellationToken, webhook: id);
        return TypedResults.Json(new TestResponse(test), ApiJson.Default.TestResponse, statusCode: 202);
    }
}
