using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Api.Authentication;
using Kgents.Api.OpenApi;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Documentation;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>The document that the API serves says what the code does and what docs/wire.md says, of every endpoint.</summary>
public sealed partial class ApiDocumentTests : IAsyncLifetime
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("wire.md");
    private static readonly string[] OfEvery = ["401", "403", "429", "500", "503"];
    private static readonly string[] OfBodies = ["400", "408", "413", "415"];

    private NatsServer nats = null!;
    private KgentsHost host = null!;
    private JsonElement document;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
        Assert.Equal([], Endpoints().Where(endpoint => endpoint.Metadata.GetMetadata<Operation>() is null).Select(NameOf));
        using var anybody = host.ClientWith(null);
        document = await anybody.GetFromJsonAsync<JsonElement>("/openapi/v1.json", TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public void Version_Is31() => Assert.StartsWith("3.1.", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);

    [Fact(Timeout = Limits.Test)]
    public void EveryEndpoint_IsInIt_AndNoOther_WithItsScope()
    {
        var endpoints = Endpoints().Select(endpoint =>
        {
            var scope = endpoint.Metadata.GetRequiredMetadata<RequiredScope>();
            return $"{NameOf(endpoint)}: bearer {scope.Name}, api_key {scope.Name}{(scope.OfOperator ? ", of the operator's tenant" : "")}";
        });

        var described = Operations().Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)).Select(operation =>
            $"{operation.Name}: {string.Join(", ", operation.Json.GetProperty("security").EnumerateArray().SelectMany(each => each.EnumerateObject()).Select(scheme => $"{scheme.Name} {scheme.Value[0]}"))}"
            + (operation.Json.GetProperty("description").GetString()!.Contains("of the operator's tenant", StringComparison.Ordinal) ? ", of the operator's tenant" : ""));
        Assert.Equivalent(endpoints, described, strict: true);
        Assert.Equal(["GET /health/live", "GET /health/ready"], Operations().Select(operation => operation.Name).Where(name => !name.Contains("/v1/", StringComparison.Ordinal)).Order());
        Assert.Equal(["api_key", "bearer"], Names(document.GetProperty("components").GetProperty("securitySchemes")).Order());
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryOperation_HasANameATagAndASummary()
    {
        Assert.Equal(Operations().Count(), Operations().Select(operation => operation.Json.GetProperty("operationId").GetString()).Distinct().Count());
        Assert.All(Operations(), operation =>
        {
            Assert.NotEmpty(operation.Json.GetProperty("tags").EnumerateArray());
            Assert.NotEmpty(operation.Json.GetProperty("summary").GetString()!);
            Assert.All(ParametersOf(operation.Json), parameter => Assert.NotEmpty(parameter.GetProperty("description").GetString()!));
        });
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryOperation_HasTheStatusesOfTheWirePage()
    {
        var rows = Page.Table("Endpoints").ToDictionary(row => row[0].Trim('`'), row => row[2]);

        Assert.All(Operations().Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)), operation =>
        {
            var row = rows[operation.Name];
            var text = row + " " + (AsOf.Match(row) is { Success: true } same ? rows[KeyRow(operation, same.Groups[1].Value)] : "");
            var statuses = Status.Matches(text).Select(match => match.Value).Union(OfEvery).Union(operation.Json.TryGetProperty("requestBody", out _) ? OfBodies : []);
            Assert.Equal((operation.Name, string.Join(' ', statuses.Order())), (operation.Name, string.Join(' ', Names(operation.Json.GetProperty("responses")).Order())));
        });

        static string KeyRow(Described operation, string path) => operation.Name.Split(' ')[0] + " " + path + (operation.Path.EndsWith("/{keyId}", StringComparison.Ordinal) ? "/{keyId}" : "");
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryProblem_IsAnExampleOfItsStatus()
    {
        var examples = Operations().SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject()).Where(response => response.Name[0] is '4' or '5' && !response.Value.GetProperty("content").TryGetProperty("text/plain", out _))
            .SelectMany(response => response.Value.GetProperty("content").GetProperty("application/problem+json").GetProperty("examples").EnumerateObject().Select(example => (response.Name, Value: example.Value.GetProperty("value"))));

        var seen = new SortedSet<string>();
        foreach (var (status, problem) in examples)
        {
            Assert.Equal(status, problem.GetProperty("status").GetRawText());
            seen.Add(problem.GetProperty("type").GetString()!);
        }

        // Those two are of no endpoint.
        Assert.Equal(Page.Names("Problems").Except(["urn:kgents:problem:no-such-path", "urn:kgents:problem:no-such-method"]).Order(), seen.Order());
    }

    [Fact(Timeout = Limits.Test)]
    public void TooManyRequests_NamesTheHeadersOfLimits() => Assert.All(Operations().Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)), operation =>
        Assert.Equivalent(
            new[] { "Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset" },
            Names(operation.Json.GetProperty("responses").GetProperty("429").GetProperty("headers")),
            strict: true));

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
        var body = Schemas.GetProperty(schema);

        Assert.Equivalent(Page.Names(heading), Names(body.GetProperty("properties")), strict: true);
        Assert.Equivalent(required, body.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()) : [], strict: true);
        Assert.Equal(schema.EndsWith("Request", StringComparison.Ordinal), body.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False);
        Assert.True(schema.EndsWith("Request", StringComparison.Ordinal) || !body.GetRawText().Contains("\"null\"", StringComparison.Ordinal), body.GetRawText());
    }

    [Fact(Timeout = Limits.Test)]
    public void EverySchema_HasItsFieldsOnTheWirePage()
    {
        var tested = typeof(ApiDocumentTests).GetMethod(nameof(Body_HasTheFieldsOfTheWirePage))!.GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(row => (string)row.Data[0]!);

        Assert.Equivalent(
            tested,
            Schemas.EnumerateObject().Where(schema => schema.Value.TryGetProperty("properties", out _)).Select(schema => schema.Name).Except(["Problem"]),
            strict: true);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("CreateKeyRequest")]
    [InlineData("ChangeKeyRequest")]
    public void Expiry_IsATime(string schema)
    {
        var expiry = Schemas.GetProperty(schema).GetProperty("properties").GetProperty("expires_at");

        Assert.Equal("date-time", expiry.GetProperty("format").GetString());
        Assert.Equivalent(new[] { "null", "string" }, expiry.GetProperty("type").EnumerateArray().Select(type => type.GetString()), strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public void Ids_HaveTheirForm()
    {
        Assert.Matches(PatternOf("SessionResponse", "id"), SessionId.New(12, TimeProvider.System).ToString());
        Assert.Matches(PatternOf("TurnResponse", "id"), "t-0123456789abcdef0123456789abcdef");
        Assert.Matches(PatternOf("KeyResponse", "id"), "k-0123456789abcdef0123456789abcdef");
        Assert.Matches(PatternOf("TenantResponse", "id"), "acme-1");
        Assert.Matches(PatternOf("WebhookResponse", "id"), WebhookId.New(TimeProvider.System).ToString());
        Assert.Matches(PatternOf("DeliveryResponse", "id"), WebhookEventId.Of("a", "b").ToString());
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("POST /v1/kgent/sessions/{sessionId}/messages", "Events")]
    [InlineData("GET /v1/kgent/sessions/{sessionId}/turns/{turnId}/events", "Events")]
    [InlineData("GET /v1/kgent/sessions/{sessionId}/events", "Events", "All turns of a session")]
    public void Stream_NamesItsEvents(string name, params string[] headings)
    {
        var content = Operations().Single(operation => operation.Name == name).Json.GetProperty("responses").GetProperty("200").GetProperty("content");
        var described = new MarkdownPage($"# Events\n{content.GetProperty("text/event-stream").GetProperty("schema").GetProperty("description").GetString()}").Table("Events");

        // An entry of the log may have no event, and two may have the same.
        var expected = headings.SelectMany(heading => Page.Table(heading).Select(row => heading == "Events" ? $"{row[1]} {row[2]}" : row[0])).Where(row => !row.StartsWith("none", StringComparison.Ordinal)).Distinct();
        Assert.Equivalent(
            expected,
            described.Select(row => row[0] is "`turn`" or "`gap`" ? row[0] : $"{row[0]} {string.Join(", ", MarkdownPage.Codes(row[1]).Select(field => $"`{field}`"))}"),
            strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryAnswerWithABody_HasAnExampleThatItsSchemaAllows()
    {
        var contents = Operations()
            .SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject().Select(response => (Name: $"{operation.Name} {response.Name}", response.Value)))
            .Where(response => response.Value.TryGetProperty("content", out var content) && content.TryGetProperty("application/json", out _))
            .Select(response => (response.Name, Json: response.Value.GetProperty("content").GetProperty("application/json")))
            .ToList();

        Assert.NotEmpty(contents);
        Assert.All(contents, answer =>
        {
            var schema = Schemas.GetProperty(answer.Json.GetProperty("schema").GetProperty("$ref").GetString()!.Split('/')[^1]);
            var example = Names(answer.Json.GetProperty("example")).ToList();
            Assert.Empty(example.Except(Names(schema.GetProperty("properties"))));
            Assert.Empty(schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).Except(example));
        });
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryAnswerThatIsNoJson_HasAnExampleToo()
    {
        var contents = Operations()
            .SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject())
            .Where(response => response.Value.TryGetProperty("content", out _))
            .SelectMany(response => response.Value.GetProperty("content").EnumerateObject())
            .Where(content => content.Name is "text/csv" or "text/event-stream")
            .ToList();

        Assert.Equal(6, contents.Count);
        Assert.All(contents, content => Assert.Matches(content.Name == "text/csv" ? @"^\w+(,\w+)+\r\n[^\r]+\r\n" : @"(id: \d+\nevent: \w+\ndata: \{.+\}\n\n)+", content.Value.GetProperty("example").GetString()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryExample_IsAccepted()
    {
        var session = await host.Client.CreateSessionAsync();
        using var creating = await host.Client.PostAsJsonAsync("/v1/keys", new { name = "for the examples" }, TestContext.Current.CancellationToken);
        var key = (await creating.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        using var tenant = await host.Client.PostAsJsonAsync("/v1/admin/tenants", new { id = "acme", name = "Acme" }, TestContext.Current.CancellationToken);
        var own = (await host.Client.GetFromJsonAsync<JsonElement>("/v1/keys", TestContext.Current.CancellationToken)).GetProperty("keys")[0].GetProperty("tenant_id").GetString()!;

        using var hooking = await host.Client.PostAsJsonAsync("/v1/webhooks", new { url = "https://example.com/hook" }, TestContext.Current.CancellationToken);
        var webhook = (await hooking.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;

        // Those that change come last: an archived session takes no message.
        foreach (var operation in Operations().Where(operation => operation.Json.TryGetProperty("requestBody", out _)).OrderBy(operation => operation.Name.StartsWith("PATCH", StringComparison.Ordinal)))
        {
            var ofKey = operation.Path.Contains("{keyId}", StringComparison.Ordinal);
            var path = operation.Path.Replace("{sessionId}", session, StringComparison.Ordinal).Replace("{keyId}", key, StringComparison.Ordinal).Replace("{tenantId}", ofKey ? own : "acme", StringComparison.Ordinal)
                .Replace("{webhookId}", webhook, StringComparison.Ordinal);
            using var request = new HttpRequestMessage(new HttpMethod(operation.Name.Split(' ')[0]), path)
            {
                Content = JsonContent.Create(operation.Json.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example")),
            };
            using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

            // There is no usage event, which is found out after the body was read.
            var isWithoutEvent = operation.Path.Contains("{sequence}", StringComparison.Ordinal) && response.StatusCode == HttpStatusCode.NotFound;
            Assert.True(response.IsSuccessStatusCode || isWithoutEvent, $"{operation.Name}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryRefusal_IsAmongThoseOfItsOperation()
    {
        const string Unknown = "0123456789abcdef0123456789abcdef";
        var session = await host.Client.CreateSessionAsync();
        (string Session, string Turn, string Key, string Tenant)[] ids =
            [("a.b", "a.b", "a.b", "A.b"), ($"s0-{Unknown}", $"t-{Unknown}", $"k-{Unknown}", "nobody"), (session, "a.b", $"k-{Unknown}", "default"), (session, $"t-{Unknown}", $"k-{Unknown}", "default")];
        (string Text, string Type)[] bodies =
            [("{", "application/json"), ("""{"no_such_field":1}""", "application/json"), ("{}", "text/plain"), (new string(' ', 65 * 1024), "application/json"), ("""{"budget":"none","scopes":[],"name":"","status":""}""", "application/json"), ("{}", "application/json")];
        using var hooking = await host.Client.PostAsJsonAsync("/v1/webhooks", new { url = "https://example.com/hook" }, TestContext.Current.CancellationToken);
        var webhook = (await hooking.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        var refusals = new HashSet<string>();

        // The session is deleted last.
        foreach (var operation in Operations().Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)).OrderBy(operation => operation.Name.StartsWith("DELETE", StringComparison.Ordinal)))
        {
            foreach (var (path, body) in ids.Select(id => operation.Path.Replace("{sessionId}", id.Session, StringComparison.Ordinal).Replace("{turnId}", id.Turn, StringComparison.Ordinal)
                .Replace("{keyId}", id.Key, StringComparison.Ordinal).Replace("{tenantId}", id.Tenant, StringComparison.Ordinal)
                .Replace("{webhookId}", id.Session == session ? webhook : "w-" + id.Turn[2..], StringComparison.Ordinal).Replace("{deliveryId}", "e-" + id.Turn[2..], StringComparison.Ordinal)).Distinct().SelectMany(_ => bodies, (path, body) => (path, body)))
            {
                using var request = new HttpRequestMessage(new HttpMethod(operation.Name.Split(' ')[0]), $"{path}?limit=0&after=x&status=x")
                {
                    Content = operation.Json.TryGetProperty("requestBody", out _) ? new StringContent(body.Text, Encoding.UTF8, body.Type) : null,
                };
                using var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    continue;
                }

                var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
                var type = problem.GetProperty("type").GetString();
                Assert.True(
                    operation.Json.GetProperty("responses").TryGetProperty($"{(int)response.StatusCode}", out var described)
                        && described.GetProperty("content").GetProperty("application/problem+json").GetProperty("examples").EnumerateObject().Any(example => example.Value.GetProperty("value").GetProperty("type").GetString() == type),
                    $"{operation.Name}: {problem}");
                refusals.Add($"{(int)response.StatusCode} {type!.Split(':')[^1]}");
            }
        }

        Assert.Equivalent(
            new[] { "400 agentese-syntax", "400 invalid-request", "404 key-not-found", "404 session-not-found", "404 tenant-not-found", "404 turn-not-found", "404 delivery-not-found", "404 webhook-not-found", "404 usage-event-not-found", "413 too-large", "415 not-json", "422 invalid-request" }, refusals, strict: true);
    }

    private JsonElement Schemas => document.GetProperty("components").GetProperty("schemas");

    private string PatternOf(string schema, string field)
    {
        var property = Schemas.GetProperty(schema).GetProperty("properties").GetProperty(field);
        return (property.TryGetProperty("$ref", out var reference) ? Schemas.GetProperty(reference.GetString()!.Split('/')[^1]) : property).GetProperty("pattern").GetString()!;
    }

    private IEnumerable<RouteEndpoint> Endpoints() => host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/v1", StringComparison.Ordinal));

    private static string NameOf(RouteEndpoint endpoint) => $"{endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Single()} {endpoint.RoutePattern.RawText!.TrimEnd('/')}";

    private IEnumerable<Described> Operations() => document.GetProperty("paths").EnumerateObject().SelectMany(path =>
        path.Value.EnumerateObject().Select(operation => new Described(path.Name, $"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value)));

    private static JsonElement.ArrayEnumerator ParametersOf(JsonElement operation) => operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : default;

    private static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(member => member.Name);

    [GeneratedRegex(@"\b[2-5]\d\d\b")]
    private static partial Regex Status { get; }

    [GeneratedRegex("as of `([^`]+)`")]
    private static partial Regex AsOf { get; }

    private sealed record Described(string Path, string Name, JsonElement Json);
}
