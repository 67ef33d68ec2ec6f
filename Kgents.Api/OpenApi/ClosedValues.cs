using Kgents.Api.Agentese;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.Sessions;
using Kgents.Api.Tenants;
using Kgents.Api.Usage;
using Kgents.Contracts;

namespace Kgents.Api.OpenApi;

/// <summary>
/// Fields and parameters of requests that take some texts and no others: what is sent is known when a client is generated. What is answered may have more values later, and
/// names none.
/// </summary>
internal static class ClosedValues
{
    private static readonly Dictionary<string, IEnumerable<string>> Fields = new()
    {
        ["mode"] = DialogueModes.All,
        ["budget"] = BudgetTiers.All,
        ["on_busy"] = PostMessageRequest.BusyPolicies,
        ["on_disconnect"] = PostMessageRequest.DisconnectPolicies,
        ["scopes"] = Scopes.All,
        ["events"] = WebhookEventTypes.Choices,
        ["archetype"] = Archetypes.All.Select(archetype => archetype.Name),
    };

    private static readonly Dictionary<string, IEnumerable<string>> Parameters = new()
    {
        ["status"] = [.. SessionStatuses.All, SessionEndpoints.AnyStatus],
        ["window"] = UsageWindow.All,
        ["format"] = AnswerFormat.All,
        ["archetype"] = Fields["archetype"],
    };

    /// <summary>Null where any text may stand.</summary>
    public static IEnumerable<string>? OfField(Type body, string name) =>
        name != "status" ? Fields.GetValueOrDefault(name) : body == typeof(ChangeSessionRequest) ? SessionStatuses.All : TenantStatusText.All;

    /// <summary>Who validates against the document is stricter than the API.</summary>
    public static bool IsInAnyCase(string name) => name is "mode" or "budget";

    public static IEnumerable<string>? OfParameter(string name) => Parameters.GetValueOrDefault(name);
}
