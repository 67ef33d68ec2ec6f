using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Kgents.Api;
using Kgents.Api.Turns;
using Kgents.Contracts;
using static Kgents.Tests.Documentation.WirePage;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md names every body, record and entry of the ledger with the fields that the code has, and no other.</summary>
public sealed class WirePageTests
{
    private static readonly Dictionary<string, JsonTypeInfo> Bodies = new()
    {
        ["A new session"] = ApiJson.Default.CreateSessionRequest,
        ["A change of a session"] = ApiJson.Default.ChangeSessionRequest,
        ["A message to send"] = ApiJson.Default.PostMessageRequest,
        ["A question to the soul"] = ApiJson.Default.DialogueRequest,
        ["An operation to judge"] = ApiJson.Default.GovernanceRequest,
        ["What the soul said"] = ApiJson.Default.DialogueResponse,
        ["A judgement"] = ApiJson.Default.GovernanceResponse,
        ["A session"] = ApiJson.Default.SessionResponse,
        ["A page of sessions"] = ApiJson.Default.SessionPage,
        ["A message"] = ApiJson.Default.MessageResponse,
        ["A page of messages"] = ApiJson.Default.MessagePage,
        ["A new tenant"] = ApiJson.Default.CreateTenantRequest,
        ["A change of a tenant"] = ApiJson.Default.ChangeTenantRequest,
        ["A new key"] = ApiJson.Default.CreateKeyRequest,
        ["A change of a key"] = ApiJson.Default.ChangeKeyRequest,
        ["A tenant"] = ApiJson.Default.TenantResponse,
        ["A page of tenants"] = ApiJson.Default.TenantPage,
        ["A key"] = ApiJson.Default.KeyResponse,
        ["A list of keys"] = ApiJson.Default.KeyPage,
        ["A new webhook"] = ApiJson.Default.CreateWebhookRequest,
        ["A change of a webhook"] = ApiJson.Default.ChangeWebhookRequest,
        ["A new secret"] = ApiJson.Default.RotateWebhookRequest,
        ["A webhook"] = ApiJson.Default.WebhookResponse,
        ["A list of webhooks"] = ApiJson.Default.WebhookPage,
        ["A webhook's secret"] = ApiJson.Default.WebhookSecretResponse,
        ["A test event"] = ApiJson.Default.TestResponse,
        ["A delivery"] = ApiJson.Default.DeliveryResponse,
        ["A try to deliver"] = ApiJson.Default.AttemptResponse,
        ["A page of deliveries"] = ApiJson.Default.DeliveryPage,
        ["A decision"] = ApiJson.Default.DecisionRequest,
        ["A correction"] = ApiJson.Default.CorrectUsageRequest,
        ["A dead letter"] = ApiJson.Default.DeadLetterResponse,
        ["A page of dead letters"] = ApiJson.Default.DeadLetterPage,
        ["What was taken back"] = ApiJson.Default.CorrectionResponse,
        ["Usage of a tenant"] = ApiJson.Default.UsageResponse,
        ["How far usage goes"] = ApiJson.Default.UsageThrough,
        ["A row of usage"] = ApiJson.Default.UsageRow,
        ["A reconciliation"] = ApiJson.Default.ReconciliationResponse,
        ["A partition's reconciliation"] = ApiJson.Default.ReconciliationRecord,
        ["Compared usage"] = ApiJson.Default.ReconciledUsage,
        ["A compared quantity"] = ApiJson.Default.ReconciledQuantity,
        ["A difference"] = ApiJson.Default.ReconciledDifference,
        ["A path to invoke"] = ApiJson.Default.InvokeRequest,
        ["An observer"] = ApiJson.Default.ObserverRequest,
        ["Paths to compose"] = ApiJson.Default.ComposeRequest,
        ["What exists"] = ApiJson.Default.PathsResponse,
        ["A node"] = ApiJson.Default.NodeResponse,
        ["What a handle stands for"] = ApiJson.Default.ResolveResponse,
        ["An aspect"] = ApiJson.Default.AspectResponse,
        ["Affordances"] = ApiJson.Default.AffordancesResponse,
        ["What a path answers"] = ApiJson.Default.InvokeResponse,
        ["What a composition answers"] = ApiJson.Default.ComposeResponse,
        ["A step"] = ApiJson.Default.StepResponse,
        ["A ticket"] = ApiJson.Default.TicketResponse,
        ["A turn"] = ApiJson.Default.TurnResponse,
        ["Token counts"] = ApiJson.Default.TokenCounts,
        ["After a gap"] = ApiJson.Default.GapEnd,
        ["Whose events follow"] = ApiJson.Default.TurnName,
        ["A gap of a session"] = ApiJson.Default.LogGap,
    };

    private static readonly Dictionary<string, JsonTypeInfo> Records = new()
    {
        ["user message"] = WireJson.Default.UserMessage,
        ["answer"] = WireJson.Default.AssistantMessage,
        ["totals"] = WireJson.Default.SessionTotals,
        ["commit"] = WireJson.Default.TurnCommitted,
        ["decision"] = WireJson.Default.GovernanceDecision,
        ["usage payload"] = WireJson.Default.UsagePayload,
        ["idempotency"] = WireJson.Default.IdempotencyRecord,
        ["quota"] = WireJson.Default.QuotaRecord,
        ["open turn"] = WireJson.Default.OpenTurn,
        ["open streams"] = WireJson.Default.OpenStreamsRecord,
        ["replica's streams"] = WireJson.Default.ReplicaStreams,
        ["requests"] = WireJson.Default.RequestRateRecord,
        ["deletion"] = WireJson.Default.DeletionOrder,
        ["session"] = WireJson.Default.SessionRecord,
        ["session details"] = WireJson.Default.SessionDetails,
        ["proposed action"] = WireJson.Default.ProposedAction,
        ["judgement"] = WireJson.Default.Judgement,
        ["audit"] = WireJson.Default.AuditRecord,
        ["tenant"] = WireJson.Default.TenantRecord,
        ["slug"] = WireJson.Default.TenantSlugRecord,
        ["key"] = WireJson.Default.ApiKeyRecord,
        ["reconciliation"] = WireJson.Default.ReconciliationRecord,
        ["lease"] = WireJson.Default.LeaseRecord,
        ["dead letter"] = WireJson.Default.DeadLetter,
        ["usage operation"] = WireJson.Default.UsageOperation,
        ["usage answer"] = WireJson.Default.UsageAnswer,
        ["undelivered usage"] = WireJson.Default.UndeliveredUsage,
        ["webhook"] = WireJson.Default.WebhookRecord,
        ["webhook secret"] = WireJson.Default.WebhookSecret,
        ["webhook event"] = WireJson.Default.WebhookEvent,
        ["webhook payload"] = WireJson.Default.WebhookPayload,
        ["webhook delivery"] = WireJson.Default.WebhookDelivery,
        ["webhook attempt"] = WireJson.Default.WebhookAttempt,
        ["entropy"] = WireJson.Default.EntropyRecord,
        ["holon"] = WireJson.Default.HolonRecord,
    };

    /// <summary>What entries of the ledger have in them.</summary>
    private static readonly Dictionary<string, JsonTypeInfo> LedgerParts = new()
    {
        ["a range"] = WireJson.Default.SequenceRange,
        ["a received event"] = WireJson.Default.ReceivedEvent,
        ["a total"] = WireJson.Default.UsageTotal,
        ["counts"] = WireJson.Default.LedgerCounts,
        ["unsettled events"] = WireJson.Default.UnsettledRange,
        ["an hour"] = WireJson.Default.LedgerHour,
        ["a reissued event"] = WireJson.Default.ReissuedEvent,
    };

    [Fact]
    public void EveryBody_IsNamedWithItsFields()
    {
        // What is left out here is an event, which has its own table.
        Assert.Equivalent(Registered(typeof(ApiJson)).Except([typeof(FinalUsage)]), Bodies.Values.Select(body => body.Type).Except([typeof(TokenCounts)]), strict: true);

        Assert.All(Bodies, body => Assert.Equal(Fields(body.Value), Page.Names(body.Key)));
    }

    [Fact]
    public void EveryRecord_IsNamedWithItsFields()
    {
        var own = Registered(typeof(WireJson)).Where(type => !type.IsAssignableTo(typeof(TurnEvent)) || type == typeof(TurnCommitted)).Except([typeof(UsageEvent), typeof(UsageEvent<TurnUsageData>), typeof(UsageEvent<RequestUsageData>), typeof(LedgerEntry)]);
        Assert.Equivalent(own, Records.Values.Select(record => record.Type).Except([typeof(SessionTotals), typeof(UsagePayload), typeof(OpenTurn), typeof(ReplicaStreams), typeof(WebhookSecret), typeof(WebhookAttempt), typeof(UndeliveredUsage)]), strict: true);

        Assert.Equal(Records.Keys, Page.Names("Records"));
        Assert.All(Page.Table("Records"), row => Assert.Equal(Fields(Records[row[0]]), MarkdownPage.Codes(row[2])));
    }

    [Fact]
    public void EveryLedgerEntry_IsNamedWithItsFields()
    {
        var kinds = typeof(LedgerEntry).GetCustomAttributes<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().ToList();
        Assert.Equivalent(typeof(LedgerEntry).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(LedgerEntry))), kinds.Select(kind => kind.DerivedType), strict: true);

        var common = Fields(WireJson.Default.LedgerEntry).ToList();
        var entries = kinds.Select(kind => ($"`{kind.TypeDiscriminator}`", Fields(WireJson.Default.GetTypeInfo(kind.DerivedType)!).Except(common)));
        var rows = entries.Prepend(("every one", common.Prepend("kind"))).Concat(LedgerParts.Select(part => (part.Key, Fields(part.Value))));
        Assert.Equal(rows.Select(row => $"{row.Item1}: {string.Join(' ', row.Item2)}"), Page.Table("Ledger").Select(row => $"{row[0]}: {string.Join(' ', MarkdownPage.Codes(row[1]))}"));
    }

    [Fact]
    public void UsageEvent_IsNamedWithItsFields() => Assert.Equivalent(
        Fields(WireJson.Default.UsageEvent).Concat(Fields(WireJson.Default.UsageData).Select(field => $"data.{field}")), Page.Names("Usage"), strict: true);

    [Fact]
    public void EventsOfTurnsAndRequests_AreNamedWithTheirFields()
    {
        Assert.Equal(Fields(WireJson.Default.TurnUsageData), Page.Names("Usage of a turn"));
        Assert.Equal(Fields(WireJson.Default.RequestUsageData), Page.Names("Usage of the API"));
    }

    /// <summary>The types that a context was told of, without those that come with them.</summary>
    private static IEnumerable<Type> Registered(Type context) => context.GetCustomAttributesData()
        .Where(attribute => attribute.AttributeType == typeof(System.Text.Json.Serialization.JsonSerializableAttribute))
        .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!);
}
