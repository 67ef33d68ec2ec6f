using System.Globalization;
using Kgents.Api.Tenants;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Problems;

/// <summary>Every error of the API before the first byte of a stream, as RFC 9457 problem details. None holds the text of an exception.</summary>
internal static partial class Problem
{
    /// <summary>Seconds after which a client may try again when NATS is away, or when it has too many streams.</summary>
    private const int RetryAfterSeconds = 2;

    private static readonly string[] Tokens = ["tokens"];

    private const string QuotaExceededType = "https://iana.org/assignments/http-problem-types#quota-exceeded";

    public static ProblemHttpResult Unauthorized => Create(401, "unauthorized", "A valid API key is needed", "Send it as 'Authorization: Bearer kg_…' or 'X-API-Key: kg_…'.");

    public static ProblemHttpResult ScopeMissing(string scope) => Create(
        403, "scope-missing", "The key may not do this", $"It lacks the scope '{scope}'.", ("scope", scope));

    public static ProblemHttpResult AboveOwnLimit(string field, long limit) => Create(
        403, "above-own-limit", "The key cannot give more than it has", $"Its own {field} is {limit}; it can give from 1 to {limit}.", ("field", field), ("limit", limit));

    public static ProblemHttpResult AfterOwnEnd(string field, DateTimeOffset end) => Create(
        403,
        "above-own-limit",
        "The key cannot give more than it has",
        $"Its own {field} is {Text(end)}; it can give that or an earlier one.",
        ("field", field),
        ("limit", Text(end)));

    public static ProblemHttpResult OperatorOnly => Create(403, "operator-only", "Only the operator may do this", "It takes a key of the operator's tenant.");

    public static ProblemHttpResult TenantNotActive(TenantStatus status) => Create(
        403, "tenant-not-active", "The tenant may not use the service", $"It is {TenantStatusText.Of(status)}.", ("tenant_status", TenantStatusText.Of(status)));

    public static ProblemHttpResult TenantNotFound => Create(404, "tenant-not-found", "There is no such tenant", "None has this id.");

    public static ProblemHttpResult TenantExists => Create(409, "tenant-exists", "There is a tenant of this id", "Choose another id; it cannot be changed later.");

    public static ProblemHttpResult SlugTaken => Create(
        409, "slug-taken", "Another tenant has the slug", "It has it, or had it or asked for it less than five minutes ago. Choose another one.");

    public static ProblemHttpResult TooManyKeys(int limit) => Create(
        409, "too-many-keys", "The tenant has too many keys", "Revoked ones count too: they are kept for the audit. Use those that there are.", ("limit", limit));

    public static ProblemHttpResult KeyNotFound => Create(404, "key-not-found", "There is no such key", "The tenant has none with this id.");

    public static ProblemHttpResult TooManyWebhooks(int limit) => Create(
        409, "too-many-webhooks", "The tenant has too many webhooks", "Delete one that is not needed, or let one of them have more events.", ("limit", limit));

    public static ProblemHttpResult WebhookNotFound => Create(404, "webhook-not-found", "There is no such webhook", "The tenant has none with this id.");

    public static ProblemHttpResult DeliveryNotFound => Create(404, "delivery-not-found", "There is no such delivery", "The webhook has none with this id, or it is too long ago.");

    public static ProblemHttpResult DeadLetterNotFound => Create(404, "usage-event-not-found", "There is no such usage event", "None has this sequence, or it is no dead letter.");

    /// <param name="why">For an operator, of what an event is; not the text of an exception.</param>
    public static ProblemHttpResult OperationRefused(string why) => Create(409, "operation-refused", "This cannot be done with the event", $"Nothing was done: {why}.");

    public static ProblemHttpResult MeteringAway => Create(503, "metering-away", "Metering does not answer", "It is not known whether anything was done; to ask for the same again does no harm.");

    public static ProblemHttpResult WebhookDisabled => Create(
        409, "webhook-disabled", "The webhook is disabled", "Nothing is sent to it. Change it with enabled true to use it again.");

    public static ProblemHttpResult NoSuchPath => Create(404, "no-such-path", "There is no such path", "/openapi/v1.json has those that there are, and /scalar shows them.");

    public static ProblemHttpResult NoSuchMethod => Create(405, "no-such-method", "The path does not take this method", "The Allow header names those that it takes.");

    public static ProblemHttpResult TooLarge => Create(413, "too-large", "The body is too large", "A message and a path take 4 MiB, a session 64 KiB, everything else 16 KiB.");

    public static ProblemHttpResult NotJson => Create(415, "not-json", "The body is not JSON", "Send it with Content-Type: application/json, in UTF-8 and not compressed.");

    public static ProblemHttpResult SessionNotFound => Create(404, "session-not-found", "There is no such session", "It does not exist, or it belongs to another tenant.");

    public static ProblemHttpResult SessionArchived => Create(409, "session-archived", "The session is archived", "Nothing was stored. Change its status to active to go on with it.");

    public static ProblemHttpResult TurnNotFound => Create(404, "turn-not-found", "There is no such turn", "The session has none with this id.");

    public static ProblemHttpResult TurnFinished(TurnId turn, TurnStatus end) => Create(
        409, "turn-finished", "The turn has ended already", $"It is {end.ToString().ToLowerInvariant()}: there is nothing left to cancel.", ("turn_id", turn.ToString()));

    public static ProblemHttpResult Unavailable => Create(503, "unavailable", "The service cannot reach its store", "Nothing was changed unless a later read says so. Try again after the time in Retry-After.");

    /// <summary>The turn goes on without this process; its answer will be among the session's messages.</summary>
    public static ProblemHttpResult Stopping(TurnId turn) => Create(
        503, "stopping", "The service is restarting", "The turn goes on. Its answer will be among the session's messages.", ("turn_id", turn.ToString()));

    public static ProblemHttpResult Unexpected => Create(500, "unexpected", "The service failed", "This is a fault of the service; the request's trace id finds it in the logs.");

    public static ProblemHttpResult TurnInProgress(TurnId? turn) => Create(
        409, "turn-in-progress", "The session is answering another message", "Wait for its end, then send this message again.", ("turn_id", turn?.ToString()));

    public static ProblemHttpResult QueueFull => Create(
        429, "queue-full", "Too many messages wait in the session", "Wait for the turns before it to end, then send this message again.");

    public static ProblemHttpResult IdempotencyKeyReused => Create(
        409, "idempotency-key-reused", "The key belongs to another message", "An earlier request with this Idempotency-Key had another message, mode, budget or model. Send a new message under a new key.");

    /// <summary>By the name that is registered for it. Goes with the headers of the limit, which say when to try again.</summary>
    public static ProblemHttpResult QuotaExceeded(string policy) => TypedResults.Problem(new ProblemDetails
    {
        Status = 429,
        Type = QuotaExceededType,
        Title = "A limit of the tenant is used up",
        Detail = $"The limit '{policy}' is used up. Nothing was done. Try again after the time in Retry-After.",
        Extensions = { ["violated-policies"] = new[] { policy } },
    });

    public static ProblemHttpResult NotInPlan(string plan, string field, string value) => Create(
        403, "not-in-plan", "The tenant's plan does not have this", $"The plan {plan} does not have the {field} '{value}'.", ("plan", plan), ("field", field));

    /// <summary>Goes with <see cref="SetRetryAfter"/>.</summary>
    public static ProblemHttpResult TooManyStreams(int limit) => Create(
        429, "too-many-streams", "Too many streams are open", "Nothing was done. Close one, or try again after the time in Retry-After.", ("limit", limit));

    /// <summary>A field that cannot be accepted; <paramref name="status"/> is 400 for what cannot be read and 422 for what can.</summary>
    public static ProblemHttpResult Invalid(int status, string field, string reason) => TypedResults.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { [field] = [reason] })
    {
        Status = status,
        Type = Type("invalid-request"),
        Title = "The request is not valid",
        Detail = $"{field}: {reason}",
    });

    public static ProblemHttpResult TurnFailed(TurnFailed failure, TurnId turn) => failure.Code == TurnErrorCodes.QuotaExceeded
        ? TypedResults.Problem(new ProblemDetails
        {
            Status = 429,
            Type = QuotaExceededType,
            Title = "The turn failed",
            Detail = failure.Message,
            Extensions = { ["violated-policies"] = Tokens, ["code"] = failure.Code, ["turn_id"] = turn.ToString() },
        })
        : Create(StatusOf(failure.Code), failure.Code.Replace('_', '-'), "The turn failed", failure.Message, ("code", failure.Code), ("turn_id", turn.ToString()));

    public static ProblemHttpResult TurnCancelled(TurnId turn) => Create(
        409, "turn-cancelled", "The turn was cancelled", "Somebody cancelled it before it was answered.", ("turn_id", turn.ToString()));

    public static ProblemHttpResult Create(int status, string type, string title, string detail, params (string Name, object? Value)[] extensions) => TypedResults.Problem(new ProblemDetails
    {
        Status = status,
        Type = Type(type),
        Title = title,
        Detail = detail,
        Extensions = extensions.Where(extension => extension.Value is not null).ToDictionary(extension => extension.Name, extension => extension.Value),
    });

    public static void SetRetryAfter(HttpContext context) => context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);

    private static int StatusOf(string errorCode) => errorCode switch
    {
        TurnErrorCodes.ModelUnavailable or TurnErrorCodes.ModelRefusedCredentials or TurnErrorCodes.ModelRefusedRequest => 502,
        TurnErrorCodes.ModelBrokeOff or TurnErrorCodes.ModelEmpty or TurnErrorCodes.ModelUnreadable => 502,
        TurnErrorCodes.ModelRateLimited => 503,
        TurnErrorCodes.ModelStalled => 504,
        _ => 500,
    };

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static string Type(string name) => $"urn:kgents:problem:{name}";
}
