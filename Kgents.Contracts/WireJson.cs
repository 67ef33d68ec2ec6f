using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>The JSON of everything that crosses a process: snake_case, without nulls, text as it is (it never stands inside HTML).</summary>
[JsonSerializable(typeof(TurnAccepted))]
[JsonSerializable(typeof(TurnChunk))]
[JsonSerializable(typeof(TurnUsage))]
[JsonSerializable(typeof(TurnRestarted))]
[JsonSerializable(typeof(TurnHandedOver))]
[JsonSerializable(typeof(TurnCommitted))]
[JsonSerializable(typeof(TurnCompleted))]
[JsonSerializable(typeof(TurnFailed))]
[JsonSerializable(typeof(TurnCancelled))]
[JsonSerializable(typeof(SessionRecord))]
[JsonSerializable(typeof(SessionDetails))]
[JsonSerializable(typeof(UserMessage))]
[JsonSerializable(typeof(AssistantMessage))]
[JsonSerializable(typeof(ProposedAction))]
[JsonSerializable(typeof(Judgement))]
[JsonSerializable(typeof(GovernanceDecision))]
[JsonSerializable(typeof(AuditRecord))]
[JsonSerializable(typeof(UsageEvent))]
[JsonSerializable(typeof(UsageEvent<RequestUsageData>), TypeInfoPropertyName = "RequestUsageEvent")]
[JsonSerializable(typeof(UsageEvent<TurnUsageData>), TypeInfoPropertyName = "TurnUsageEvent")]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(UsageOperation))]
[JsonSerializable(typeof(UsageAnswer))]
[JsonSerializable(typeof(ApiKeyRecord))]
[JsonSerializable(typeof(TenantRecord))]
[JsonSerializable(typeof(TenantSlugRecord))]
[JsonSerializable(typeof(QuotaRecord))]
[JsonSerializable(typeof(OpenStreamsRecord))]
[JsonSerializable(typeof(RequestRateRecord))]
[JsonSerializable(typeof(ReconciliationRecord))]
[JsonSerializable(typeof(IdempotencyRecord))]
[JsonSerializable(typeof(DeletionOrder))]
[JsonSerializable(typeof(LedgerEntry))]
[JsonSerializable(typeof(LeaseRecord))]
[JsonSerializable(typeof(WebhookRecord))]
[JsonSerializable(typeof(WebhookEvent))]
[JsonSerializable(typeof(WebhookPayload))]
[JsonSerializable(typeof(WebhookDelivery))]
[JsonSerializable(typeof(EntropyRecord))]
[JsonSerializable(typeof(HolonRecord))]
public sealed partial class WireJson : JsonSerializerContext
{
    static WireJson() => Default = new WireJson(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
