using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
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
using Kgents.Contracts;
using Kgents.Api.Webhooks;

namespace Kgents.Api;

/// <summary>The JSON of the API. A field that a request does not have is refused: a misspelt option would else be ignored in silence.</summary>
[JsonSerializable(typeof(CreateSessionRequest))]
[JsonSerializable(typeof(ChangeSessionRequest))]
[JsonSerializable(typeof(SessionResponse))]
[JsonSerializable(typeof(SessionPage))]
[JsonSerializable(typeof(PostMessageRequest))]
[JsonSerializable(typeof(MessageResponse))]
[JsonSerializable(typeof(MessagePage))]
[JsonSerializable(typeof(DialogueRequest))]
[JsonSerializable(typeof(DialogueResponse))]
[JsonSerializable(typeof(GovernanceRequest))]
[JsonSerializable(typeof(GovernanceResponse))]
[JsonSerializable(typeof(FinalUsage))]
[JsonSerializable(typeof(GapEnd))]
[JsonSerializable(typeof(TurnName))]
[JsonSerializable(typeof(LogGap))]
[JsonSerializable(typeof(TurnResponse))]
[JsonSerializable(typeof(TicketResponse))]
[JsonSerializable(typeof(CreateTenantRequest))]
[JsonSerializable(typeof(ChangeTenantRequest))]
[JsonSerializable(typeof(TenantResponse))]
[JsonSerializable(typeof(TenantPage))]
[JsonSerializable(typeof(CreateKeyRequest))]
[JsonSerializable(typeof(ChangeKeyRequest))]
[JsonSerializable(typeof(KeyResponse))]
[JsonSerializable(typeof(KeyPage))]
[JsonSerializable(typeof(CreateWebhookRequest))]
[JsonSerializable(typeof(ChangeWebhookRequest))]
[JsonSerializable(typeof(RotateWebhookRequest))]
[JsonSerializable(typeof(WebhookResponse))]
[JsonSerializable(typeof(WebhookPage))]
[JsonSerializable(typeof(WebhookSecretResponse))]
[JsonSerializable(typeof(DeliveryResponse))]
[JsonSerializable(typeof(AttemptResponse))]
[JsonSerializable(typeof(DeliveryPage))]
[JsonSerializable(typeof(TestResponse))]
[JsonSerializable(typeof(DecisionRequest))]
[JsonSerializable(typeof(CorrectUsageRequest))]
[JsonSerializable(typeof(DeadLetterResponse))]
[JsonSerializable(typeof(DeadLetterPage))]
[JsonSerializable(typeof(CorrectionResponse))]
[JsonSerializable(typeof(UsageResponse))]
[JsonSerializable(typeof(UsageRow))]
[JsonSerializable(typeof(UsageThrough))]
[JsonSerializable(typeof(ReconciliationResponse))]
[JsonSerializable(typeof(ReconciliationRecord))]
[JsonSerializable(typeof(ReconciledUsage))]
[JsonSerializable(typeof(ReconciledQuantity))]
[JsonSerializable(typeof(ReconciledDifference))]
[JsonSerializable(typeof(InvokeRequest))]
[JsonSerializable(typeof(ObserverRequest))]
[JsonSerializable(typeof(ComposeRequest))]
[JsonSerializable(typeof(InvokeResponse))]
[JsonSerializable(typeof(ComposeResponse))]
[JsonSerializable(typeof(StepResponse))]
[JsonSerializable(typeof(ResolveResponse))]
[JsonSerializable(typeof(AspectResponse))]
[JsonSerializable(typeof(AffordancesResponse))]
[JsonSerializable(typeof(PathsResponse))]
[JsonSerializable(typeof(NodeResponse))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    static ApiJson() => Default = new ApiJson(Configure(new JsonSerializerOptions()));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.NumberHandling = JsonNumberHandling.Strict;
        return options;
    }
}
