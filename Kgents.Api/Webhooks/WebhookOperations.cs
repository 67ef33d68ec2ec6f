using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Webhooks;

internal static class WebhookOperations
{
    public static Operation Create { get; } = new("createWebhook", "Create a webhook")
    {
        Example = new CreateWebhookRequest("https://example.com/hooks/kgents", [WebhookEventTypes.ThresholdReached, WebhookEventTypes.LimitExceeded], "billing"),
        Answers = [new(201, "The webhook: `secret` is in no other answer.", typeof(WebhookResponse)) { Headers = ["Location"], Example = AnswerExamples.Webhook with { Secret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1hbi1leGFtcGxlIQ==" } }],
        Problems = [Problem.TooManyWebhooks(10), Invalid],
    };

    public static Operation List { get; } = new("listWebhooks", "List the tenant's webhooks, oldest first") { Answers = [new(200, "All of them.", typeof(WebhookPage))] };

    public static Operation Get { get; } = new("getWebhook", "Read a webhook") { Answers = [new(200, "The webhook.", typeof(WebhookResponse))] };

    public static Operation Change { get; } = new("changeWebhook", "Change a webhook; what is left out stays")
    {
        Example = new ChangeWebhookRequest("https://example.com/hooks/kgents-2", [WebhookEventTypes.LimitExceeded], Description: null, Enabled: true),
        Answers = [new(200, "The webhook, changed.", typeof(WebhookResponse))],
        Problems = [Invalid],
    };

    public static Operation Delete { get; } = new("deleteWebhook", "Delete a webhook, with its secrets") { Answers = [new(204, "It is deleted.")] };

    public static Operation Rotate { get; } = new("rotateWebhookSecret", "Give a webhook a new secret")
    {
        Example = new RotateWebhookRequest(24),
        Answers = [new(200, "The secret, which is in no other answer.", typeof(WebhookSecretResponse))],
        Problems = [Problem.Invalid(422, "overlap_hours", "must be 0 to 168")],
    };

    public static Operation Test { get; } = new("testWebhook", "Send a webhook an event of the type webhook.test")
    {
        Answers = [new(202, "It is stored and will be sent.", typeof(TestResponse))],
        Problems = [Problem.WebhookDisabled],
    };

    public static Operation ListDeliveries { get; } = new("listDeliveries", "List what was sent to a webhook, the latest event first")
    {
        Answers = [new(200, "A page.", typeof(DeliveryPage))],
        Problems = [Problem.Invalid(400, "limit", "must be a number from 1")],
    };

    public static Operation Redeliver { get; } = new("redeliver", "Send an event to a webhook again")
    {
        Answers = [new(202, "It is stored and will be sent.", typeof(DeliveryResponse))],
        Problems = [Problem.WebhookDisabled],
    };

    private static ProblemHttpResult Invalid => Problem.Invalid(422, "url", "must be an absolute https address, in ASCII");
}
