using System.Text.Json;
using Kgents.Tests.Documentation;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>The document's schemas are the bodies of docs/wire.md, field by field.</summary>
public sealed class ApiBodyTests(ApiDocument document) : IClassFixture<ApiDocument>
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("wire.md");

    [Theory(Timeout = Limits.Test)]
    [InlineData("CreateSessionRequest", "A new session")]
    [InlineData("ChangeSessionRequest", "A change of a session")]
    [InlineData("PostMessageRequest", "A message to send", "message")]
    [InlineData("DialogueRequest", "A question to the soul", "prompt")]
    [InlineData("GovernanceRequest", "An operation to judge", "action")]
    [InlineData("CreateTenantRequest", "A new tenant", "name")]
    [InlineData("ChangeTenantRequest", "A change of a tenant")]
    [InlineData("CreateKeyRequest", "A new key", "name")]
    [InlineData("ChangeKeyRequest", "A change of a key")]
    [InlineData("CreateWebhookRequest", "A new webhook", "url")]
    [InlineData("ChangeWebhookRequest", "A change of a webhook")]
    [InlineData("RotateWebhookRequest", "A new secret")]
    [InlineData("WebhookResponse", "A webhook", "id", "url", "events", "enabled", "created_at")]
    [InlineData("WebhookPage", "A list of webhooks", "webhooks")]
    [InlineData("WebhookSecretResponse", "A webhook's secret", "secret", "previous_expires_at")]
    [InlineData("TestResponse", "A test event", "delivery_id")]
    [InlineData("DeliveryResponse", "A delivery", "id", "type", "state", "created_at", "attempts")]
    [InlineData("AttemptResponse", "A try to deliver", "at", "duration_ms")]
    [InlineData("DeliveryPage", "A page of deliveries", "deliveries")]
    [InlineData("SessionResponse", "A session", "id", "tenant_id", "agent_type", "mode", "budget", "eigenvectors", "status", "metadata", "message_count", "tokens_used", "created_at")]
    [InlineData("SessionPage", "A page of sessions", "sessions")]
    [InlineData("MessageResponse", "A message", "id", "session_id", "turn_id", "role", "content", "created_at")]
    [InlineData("MessagePage", "A page of messages", "messages")]
    [InlineData("DialogueResponse", "What the soul said", "response", "mode", "budget", "eigenvectors", "tokens_used", "referenced_preferences", "referenced_patterns", "model", "session_id", "turn_id")]
    [InlineData("GovernanceResponse", "A judgement", "approved", "reasoning", "alternatives", "confidence", "tokens_used", "recommendation", "principles", "model", "session_id", "turn_id")]
    [InlineData("InvokeRequest", "A path to invoke", "path")]
    [InlineData("ObserverRequest", "An observer")]
    [InlineData("ComposeRequest", "Paths to compose", "paths")]
    [InlineData("PathsResponse", "What exists", "archetype", "nodes", "known")]
    [InlineData("NodeResponse", "A node", "handle", "summary", "aspects")]
    [InlineData("ResolveResponse", "What a handle stands for", "handle", "context", "holon", "summary", "archetype", "aspects")]
    [InlineData("AspectResponse", "An aspect", "name", "scope", "summary", "parameters")]
    [InlineData("AffordancesResponse", "Affordances", "handle", "archetype", "affordances")]
    [InlineData("InvokeResponse", "What a path answers", "path", "archetype", "tokens_used")]
    [InlineData("ComposeResponse", "What a composition answers", "archetype", "tokens_used", "steps")]
    [InlineData("StepResponse", "A step", "path", "tokens_used")]
    [InlineData("TurnResponse", "A turn", "id", "session_id", "state", "attempt")]
    [InlineData("TicketResponse", "A ticket", "ticket", "expires_at")]
    [InlineData("TokenCounts", "Token counts", "input", "output", "basis", "total")]
    [InlineData("TenantResponse", "A tenant", "id", "name", "slug", "status", "plan", "settings", "created_at")]
    [InlineData("TenantPage", "A page of tenants", "tenants")]
    [InlineData("KeyResponse", "A key", "id", "tenant_id", "name", "prefix", "scopes", "created_at")]
    [InlineData("KeyPage", "A list of keys", "keys")]
    [InlineData("DecisionRequest", "A decision", "reason")]
    [InlineData("CorrectUsageRequest", "A correction", "reason", "reference")]
    [InlineData("DeadLetterResponse", "A dead letter", "sequence", "tenant_id", "state", "reason", "at")]
    [InlineData("DeadLetterPage", "A page of dead letters", "dead_letters")]
    [InlineData("CorrectionResponse", "What was taken back", "id", "sequence")]
    [InlineData("UsageResponse", "Usage of a tenant", "from", "to", "window", "group_by", "as_of", "is_behind", "through", "usage")]
    [InlineData("UsageThrough", "How far usage goes", "partition", "sequence")]
    [InlineData("UsageRow", "A row of usage", "window_start", "window_end", "type", "billable", "events", "requests", "turns", "input_tokens_uncached", "cache_read_tokens", "cache_write_tokens", "output_tokens_visible", "reasoning_tokens", "total_tokens")]
    [InlineData("ReconciliationResponse", "A reconciliation", "partitions")]
    [InlineData("ReconciliationRecord", "A partition's reconciliation", "partition", "from", "to", "at", "usage", "difference_count", "differences")]
    [InlineData("ReconciledUsage", "Compared usage", "hour", "model", "type", "token_log", "ledger", "open_meter")]
    [InlineData("ReconciledQuantity", "A compared quantity", "events", "quantity")]
    [InlineData("ReconciledDifference", "A difference", "id", "hour", "model", "type", "quantity", "cause", "under_way")]
    public void Body_HasTheFieldsOfTheWirePage(string schema, string heading, params string[] required)
    {
        var body = document.Schemas.GetProperty(schema);

        Assert.Equivalent(Page.Names(heading), ApiDocument.Names(body.GetProperty("properties")), strict: true);
        Assert.Equivalent(required, body.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()) : [], strict: true);
        Assert.Equal(schema.EndsWith("Request", StringComparison.Ordinal), body.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False);
        Assert.True(schema.EndsWith("Request", StringComparison.Ordinal) || !body.GetRawText().Contains("\"null\"", StringComparison.Ordinal), body.GetRawText());
    }

    [Fact(Timeout = Limits.Test)]
    public void EverySchema_HasItsFieldsOnTheWirePage()
    {
        var tested = typeof(ApiBodyTests).GetMethod(nameof(Body_HasTheFieldsOfTheWirePage))!.GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(row => (string)row.Data[0]!);

        Assert.Equivalent(
            tested,
            document.Schemas.EnumerateObject().Where(schema => schema.Value.TryGetProperty("properties", out _)).Select(schema => schema.Name).Except(["Problem"]),
            strict: true);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("CreateKeyRequest")]
    [InlineData("ChangeKeyRequest")]
    public void Expiry_IsATime(string schema)
    {
        var expiry = document.Schemas.GetProperty(schema).GetProperty("properties").GetProperty("expires_at");

        Assert.Equal("date-time", expiry.GetProperty("format").GetString());
        Assert.Equivalent(new[] { "null", "string" }, expiry.GetProperty("type").EnumerateArray().Select(type => type.GetString()), strict: true);
    }
}
