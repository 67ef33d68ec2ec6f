using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Api.Authentication;
using Kgents.Api.Tickets;
using Kgents.Contracts;
using Kgents.Tests.Documentation;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>The document that the API serves says what the code does and what docs/wire.md says, of every endpoint.</summary>
public sealed partial class ApiDocumentTests(ApiDocument document) : IClassFixture<ApiDocument>
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("wire.md");
    private static readonly string[] OfEvery = ["401", "403", "429", "500", "503"];
    private static readonly string[] OfBodies = ["400", "408", "413", "415"];

    [Fact(Timeout = Limits.Test)]
    public void Version_Is31() => Assert.StartsWith("3.1.", document.Json.GetProperty("openapi").GetString(), StringComparison.Ordinal);

    [Fact(Timeout = Limits.Test)]
    public void EveryEndpoint_IsInIt_AndNoOther_WithItsScope()
    {
        var endpoints = document.Endpoints.Select(endpoint =>
        {
            var scope = endpoint.Metadata.GetRequiredMetadata<RequiredScope>();
            return $"{ApiDocument.NameOf(endpoint)}: bearer {scope.Name}, api_key {scope.Name}{(scope.OfOperator ? ", of the operator's tenant" : "")}";
        });

        var described = document.Operations.Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)).Select(operation =>
            $"{operation.Name}: {string.Join(", ", operation.Json.GetProperty("security").EnumerateArray().SelectMany(each => each.EnumerateObject()).Where(scheme => scheme.Name != "ticket").Select(scheme => $"{scheme.Name} {scheme.Value[0]}"))}"
            + (operation.Json.GetProperty("description").GetString()!.Contains("of the operator's tenant", StringComparison.Ordinal) ? ", of the operator's tenant" : ""));
        Assert.Equivalent(endpoints, described, strict: true);
        Assert.Equal(["GET /health/live", "GET /health/ready"], document.Operations.Select(operation => operation.Name).Where(name => !name.Contains("/v1/", StringComparison.Ordinal)).Order());
        Assert.Equal(["api_key", "bearer", "ticket"], ApiDocument.Names(document.Json.GetProperty("components").GetProperty("securitySchemes")).Order());
    }

    [Fact(Timeout = Limits.Test)]
    public void Ticket_StandsForAKey_WhereTheCodeTakesOne()
    {
        var described = document.Operations.Where(operation => operation.Json.TryGetProperty("security", out var security) && security.EnumerateArray().Any(each => each.TryGetProperty("ticket", out _)));

        Assert.Equal(document.Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<AcceptsTicket>() is not null).Select(ApiDocument.NameOf), described.Select(operation => operation.Name));
    }

    /// <summary>What a client that is generated takes from it: no null where a text must be, the texts where there are no others, and numbers.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("PostMessageRequest", "message", """{"type":"string"}""")]
    [InlineData("PostMessageRequest", "on_busy", """{"enum":["reject","enqueue","interrupt",null],"type":["null","string"]}""")]
    [InlineData("PostMessageRequest", "on_disconnect", """{"enum":["continue","cancel",null],"type":["null","string"]}""")]
    [InlineData("CreateSessionRequest", "mode", """{"enum":["reflect","advise","challenge","explore",null],"type":["null","string"]}""")]
    [InlineData("CreateSessionRequest", "budget", """{"enum":["dormant","whisper","dialogue","deep",null],"type":["null","string"]}""")]
    [InlineData("ChangeSessionRequest", "status", """{"enum":["active","archived",null],"type":["null","string"]}""")]
    [InlineData("ChangeTenantRequest", "status", """{"enum":["active","trialing","past_due","paused","canceled",null],"type":["null","string"]}""")]
    [InlineData("CreateKeyRequest", "scopes", """{"type":["null","array"],"items":{"enum":["read","write","admin","billing"],"type":"string"}}""")]
    [InlineData("InvokeResponse", "session_id", """{"pattern":"^s[0-9]{1,3}-[0-9a-f]{32}$","type":"string"}""")]
    [InlineData("StepResponse", "turn_id", """{"pattern":"^t-[0-9a-f]{32}$","type":"string"}""")]
    [InlineData("ComposeRequest", "paths", """{"$ref":"#/components/schemas/JsonElement"}""")]
    public void Field_IsOfTheTypeThatIsTaken(string schema, string field, string expected) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), WithoutWords(document.Schemas.GetProperty(schema).GetProperty("properties").GetProperty(field))), document.Schemas.GetProperty(schema).GetRawText());

    [Theory(Timeout = Limits.Test)]
    [InlineData("PostMessageRequest", "mode", "Taken in any case.")]
    [InlineData("PostMessageRequest", "budget", "One of BudgetTiers; the session's by default. Taken in any case.")]
    [InlineData("CreateSessionRequest", "mode", "Taken in any case.")]
    public void Field_IsSaidToBeTakenInAnyCase(string schema, string field, string expected) =>
        Assert.Equal(expected, document.Schemas.GetProperty(schema).GetProperty("properties").GetProperty(field).GetProperty("description").GetString());

    [Fact(Timeout = Limits.Test)]
    public void EveryEnum_IsOfTexts() => Assert.All(
        new[] { "TenantStatus", "TurnStatus", "WebhookDeliveryState" }.Select(name => document.Schemas.GetProperty(name)),
        schema =>
        {
            Assert.Equal("string", schema.GetProperty("type").GetString());
            Assert.All(schema.GetProperty("enum").EnumerateArray(), value => Assert.Equal(JsonValueKind.String, value.ValueKind));
        });

    [Theory(Timeout = Limits.Test)]
    [InlineData("GET /v1/kgent/sessions", "limit", """{"minimum":1,"type":"integer"}""")]
    [InlineData("GET /v1/kgent/sessions", "status", """{"enum":["active","archived","any"],"type":"string"}""")]
    [InlineData("GET /v1/usage", "window", """{"enum":["hour","day","month","total"],"type":"string"}""")]
    [InlineData("GET /v1/usage", "format", """{"enum":["json","csv"],"type":"string"}""")]
    public void Parameter_IsOfTheTypeThatIsTaken(string operation, string name, string expected)
    {
        var schema = ParametersOf(document.Operations.Single(each => each.Name == operation).Json).Single(parameter => parameter.GetProperty("name").GetString() == name).GetProperty("schema");

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), schema), schema.GetRawText());
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryOperation_HasANameATagAndASummary()
    {
        Assert.Equal(document.Operations.Count(), document.Operations.Select(operation => operation.Json.GetProperty("operationId").GetString()).Distinct().Count());
        Assert.All(document.Operations, operation =>
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

        Assert.All(document.Operations.Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)), operation =>
        {
            var row = rows[operation.Name];
            var text = row + " " + (AsOf.Match(row) is { Success: true } same ? rows[KeyRow(operation, same.Groups[1].Value)] : "");
            var statuses = Status.Matches(text).Select(match => match.Value).Union(OfEvery).Union(operation.Json.TryGetProperty("requestBody", out _) ? OfBodies : []);
            Assert.Equal((operation.Name, string.Join(' ', statuses.Order())), (operation.Name, string.Join(' ', ApiDocument.Names(operation.Json.GetProperty("responses")).Order())));
        });

        static string KeyRow(DescribedOperation operation, string path) => operation.Name.Split(' ')[0] + " " + path + (operation.Path.EndsWith("/{keyId}", StringComparison.Ordinal) ? "/{keyId}" : "");
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryProblem_IsAnExampleOfItsStatus()
    {
        var examples = document.Operations.SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject()).Where(response => response.Name[0] is '4' or '5' && !response.Value.GetProperty("content").TryGetProperty("text/plain", out _))
            .SelectMany(response => response.Value.GetProperty("content").GetProperty("application/problem+json").GetProperty("examples").EnumerateObject().Select(example => (response.Name, Value: example.Value.GetProperty("value"))));

        var seen = new SortedSet<string>();
        foreach (var (status, problem) in examples)
        {
            Assert.Equal(status, problem.GetProperty("status").GetRawText());
            seen.Add(problem.GetProperty("type").GetString()!);
            Assert.Empty(ApiDocument.Names(problem).Except(ApiDocument.Names(document.Schemas.GetProperty("Problem").GetProperty("properties"))));
        }

        // Those two are of no endpoint.
        Assert.Equal(Page.Names("Problems").Except(["urn:kgents:problem:no-such-path", "urn:kgents:problem:no-such-method"]).Order(), seen.Order());
    }

    [Fact(Timeout = Limits.Test)]
    public void TooManyRequests_NamesTheHeadersOfLimits() => Assert.All(document.Operations.Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)), operation =>
        Assert.Equivalent(
            new[] { "Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset" },
            ApiDocument.Names(operation.Json.GetProperty("responses").GetProperty("429").GetProperty("headers")),
            strict: true));

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
    [InlineData("POST /v1/kgent/sessions/{sessionId}/messages", "Events", "A log without its beginning")]
    [InlineData("GET /v1/kgent/sessions/{sessionId}/turns/{turnId}/events", "Events", "A log without its beginning")]
    [InlineData("GET /v1/kgent/sessions/{sessionId}/events", "Events", "All turns of a session")]
    public void Stream_NamesItsEvents(string name, params string[] headings)
    {
        var content = document.Operations.Single(operation => operation.Name == name).Json.GetProperty("responses").GetProperty("200").GetProperty("content");
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
        var contents = document.Operations
            .SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject().Select(response => (Name: $"{operation.Name} {response.Name}", response.Value)))
            .Where(response => response.Value.TryGetProperty("content", out var content) && content.TryGetProperty("application/json", out _))
            .Select(response => (response.Name, Json: response.Value.GetProperty("content").GetProperty("application/json")))
            .ToList();

        Assert.NotEmpty(contents);
        Assert.All(contents, answer =>
        {
            var schema = document.Schemas.GetProperty(answer.Json.GetProperty("schema").GetProperty("$ref").GetString()!.Split('/')[^1]);
            var example = ApiDocument.Names(answer.Json.GetProperty("example")).ToList();
            Assert.Empty(example.Except(ApiDocument.Names(schema.GetProperty("properties"))));
            Assert.Empty(schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).Except(example));
        });
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryAnswerThatIsNoJson_HasAnExampleToo()
    {
        var contents = document.Operations
            .SelectMany(operation => operation.Json.GetProperty("responses").EnumerateObject())
            .Where(response => response.Value.TryGetProperty("content", out _))
            .SelectMany(response => response.Value.GetProperty("content").EnumerateObject())
            .Where(content => content.Name is "text/csv" or "text/event-stream")
            .ToList();

        Assert.Equal(6, contents.Count);
        Assert.All(contents, content => Assert.Matches(content.Name == "text/csv" ? @"^\w+(,\w+)+\r\n[^\r]+\r\n" : @"(id: \d+\nevent: \w+\ndata: \{.+\}\n\n)+", content.Value.GetProperty("example").GetString()));
    }

    private static JsonElement WithoutWords(JsonElement schema) =>
        JsonSerializer.SerializeToElement(schema.EnumerateObject().Where(member => member.Name is not ("description" or "format" or "default")).ToDictionary(member => member.Name, member => member.Value));

    private string PatternOf(string schema, string field)
    {
        var property = document.Schemas.GetProperty(schema).GetProperty("properties").GetProperty(field);
        return (property.TryGetProperty("$ref", out var reference) ? document.Schemas.GetProperty(reference.GetString()!.Split('/')[^1]) : property).GetProperty("pattern").GetString()!;
    }

    private static JsonElement.ArrayEnumerator ParametersOf(JsonElement operation) => operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : default;

    [GeneratedRegex(@"\b[2-5]\d\d\b")]
    private static partial Regex Status { get; }

    [GeneratedRegex("as of `([^`]+)`")]
    private static partial Regex AsOf { get; }
}
