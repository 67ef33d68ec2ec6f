using System.Text.Json.Nodes;
using Kgents.Api.Agentese;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.Operations;
using Kgents.Api.Sessions;
using Kgents.Api.Soul;
using Kgents.Api.Tenants;
using Kgents.Api.Tickets;
using Kgents.Api.Turns;
using Kgents.Api.Usage;
using Kgents.Api.Webhooks;
using Kgents.Contracts;

namespace Kgents.Api.OpenApi;

/// <summary>What answers look like: one example of each body, and the same ids in all of them.</summary>
internal static class AnswerExamples
{
    private const string Example = "example";
    private const string Model = "gpt-5-mini";

    private static readonly DateTimeOffset At = new(2026, 1, 31, 12, 30, 15, TimeSpan.Zero);
    private static readonly DateTimeOffset Hour = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly TenantId Tenant = TenantId.Parse(Example);
    private static readonly SessionId Session = SessionId.Parse("s0-019c1422cad87f9ea3b1c2d4e5f60718");
    private static readonly TurnId Turn = TurnId.Parse("t-019c1422cb1c7d0e9a8b7c6d5e4f3a2b");
    private static readonly WebhookEventId Event = WebhookEventId.Of(Example, "1");
    private static readonly TokenCounts Tokens = new(93, 4, TokenCounts.Reported);
    private static readonly IReadOnlyDictionary<string, double> Eigenvectors = Contracts.Eigenvectors.Default.Values();

    private static readonly TenantResponse TenantAnswer = new(Tenant, "Example Ltd", "example-ltd", TenantStatus.Active, "pro", new Dictionary<string, string> { ["account"] = "4711" }, At);

    private static readonly SessionResponse SessionAnswer = new(
        Session, Tenant, "A title", "kgent", DialogueModes.Reflect, Model, BudgetTiers.Dialogue, Eigenvectors, SessionStatuses.Active, new Dictionary<string, string> { ["ticket"] = "4711" }, 2, 97, At);

    private static readonly MessageResponse MessageAnswer = new(Turn.AssistantMessageId, Session, Turn, "assistant", "Hello there.", At, TurnStatus.Completed, Model: Model, Tokens: Tokens, FinishReason: "stop");

    private static readonly DeliveryResponse DeliveryAnswer = new(Event, "usage.threshold.reached", WebhookDeliveryState.Delivered, At, NextAttemptAt: null, [new(At, 41, 204, Error: null)]);

    private static readonly ReconciledQuantity Quantity = new("1", "97");

    private static readonly ReconciliationRecord Reconciliation = new(0, Hour.AddDays(-1), Hour.AddHours(1), At, LogFrom: null, [new(Hour, Model, UsageEvent.BillableType, Quantity, Quantity, Quantity, "97")], 0, []);

    private static readonly UsageRow Row = new(Hour, Hour.AddHours(1), Model, Session: null, Key: null, UsageEvent.BillableType, Billable: true, "1", "1", "0", "29", "64", "0", "3", "1", "97");

    private static readonly DeadLetterResponse DeadLetter = new("5", Tenant, "refused", "400: schema error", At, Event: null);

    private static readonly AspectResponse Aspect = new("reflect", Scopes.Write, "a turn of the soul", ["text"]);

    private static readonly Dictionary<Type, object> All = new object[]
    {
        TenantAnswer,
        new TenantPage([TenantAnswer], Next: null),
        Key,
        new KeyPage([Key]),
        Webhook,
        new WebhookPage([Webhook]),
        new WebhookSecretResponse("whsec_bm90LWEtc2VjcmV0LWJ1dC1hbi1leGFtcGxlIQ==", At.AddDays(1)),
        new TestResponse(Event),
        DeliveryAnswer,
        new DeliveryPage([DeliveryAnswer], Next: null),
        SessionAnswer,
        new SessionPage([SessionAnswer], Next: null),
        MessageAnswer,
        new MessagePage([new(Turn.UserMessageId, Session, Turn, "user", "Hello", At), MessageAnswer], Next: null),
        new TurnResponse(Turn, Session, "completed", 1, Model, Tokens, ErrorCode: null, Turn.AssistantMessageId, "5"),
        new TicketResponse($"kt_example_1769862915_k-0123456789abcdef0123456789abcdef_{new string('A', 43)}", At.AddMinutes(5)),
        new DialogueResponse("Plain words.", DialogueModes.Reflect, BudgetTiers.Dialogue, Eigenvectors, 97, ["plain and direct language"], [], Model, Session, Turn),
        new GovernanceResponse(Approved: true, "It only reads.", [], 0.9, 97, "approve", ["simplicity"], Model, Session, Turn),
        Usage,
        new ReconciliationResponse([Reconciliation]),
        DeadLetter,
        new DeadLetterPage([DeadLetter], Next: null),
        new CorrectionResponse("5b7f1b0c-6d3e-5f0a-9c2d-8e1f2a3b4c5d", "12"),
        new InvokeResponse("self.soul.reflect", "developer", new JsonObject { ["text"] = "Plain words." }, 97, Session, Turn, Model),
        new ComposeResponse("developer", new JsonObject { ["text"] = "Plain words." }, 97, [new("void.serendipity.sip", 0), new("self.soul.reflect", 97, Session, Turn, Model)]),
        new ResolveResponse("self.soul", "self", "soul", "what answers", "developer", [Aspect]),
        new AffordancesResponse("self.soul", "developer", ["manifest", "reflect"]),
        new PathsResponse("developer", [new("self.soul", "what answers", ["manifest", "reflect"])], ["world.house"], Next: null),
    }.ToDictionary(example => example.GetType());

    /// <summary>Those of a turn that goes well, in their order.</summary>
    public static IReadOnlyList<(string Name, object Data)> Events { get; } =
    [
        ("turn", new TurnName(Turn)),
        ("accepted", new TurnAccepted(Turn, 1, Model)),
        ("chunk", new TurnChunk("Hello there.", 0)),
        ("usage", new FinalUsage(Tokens, Final: true)),
        ("complete", new TurnCompleted("Hello there.", Tokens, 1, Turn.AssistantMessageId, Model) { FinishReason = "stop" }),
    ];

    public static UsageResponse Usage => new(Hour, Hour.AddHours(1), UsageWindow.ByHour, [UsageQuery.ByModel], At, IsBehind: false, [new(0, "1")], [Row]);

    /// <summary>Without the key, as it is in every answer but that which creates it.</summary>
    public static KeyResponse Key => new(
        ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef"), Tenant, "build server", "kg_exmpl", [Scopes.Read, Scopes.Write], At, ExpiresAt: null, RevokedAt: null, RequestsPerMinute: 60, RequestsPerDay: null, LastUsedAt: At, Key: null);

    /// <summary>Without its secret, as it is in every answer but that which creates it.</summary>
    public static WebhookResponse Webhook => new(
        WebhookId.Parse("w-019c1422cbf07a1b8c2d3e4f5a6b7c8d"), "https://example.com/hook", ["usage.threshold.reached"], "To billing", Enabled: true, DisabledAt: null, DisabledReason: null, At, Secret: null);

    public static object Of(Type body) => All[body];
}
