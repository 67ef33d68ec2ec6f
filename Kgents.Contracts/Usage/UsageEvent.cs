using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>A CloudEvent 1.0 for OpenMeter. <c>subject</c> is the tenant, <c>time</c> the instant at which the usage was final, in UTC.</summary>
/// <typeparam name="TData">All of it text.</typeparam>
public record UsageEvent<TData>(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("subject")] TenantId Subject,
    [property: JsonPropertyName("time")] string Time,
    [property: JsonPropertyName("data")] TData Data)
{
    [JsonPropertyName("specversion")]
    public string SpecVersion { get; init; } = "1.0";

    [JsonPropertyName("source")]
    public string Source { get; init; } = UsageEvent.ConstantSource;

    [JsonPropertyName("datacontenttype")]
    public string DataContentType { get; init; } = "application/json";
}

/// <summary>What one model call used.</summary>
public sealed record UsageEvent(string Id, string Type, TenantId Subject, string Time, UsageData Data) : UsageEvent<UsageData>(Id, Type, Subject, Time, Data)
{
    public const string BillableType = "kgents.llm.usage.v1";
    public const string NonBillableType = "kgents.llm.usage.nonbillable.v1";
    public const string TurnType = "kgents.turn.usage.v1";
    public const string RequestType = "kgents.api.request.v1";

    /// <summary>Constant, so that a worker's death does not change an event's identity, which is (source, id).</summary>
    public const string ConstantSource = "urn:kgents:streaming";

    /// <summary>The same of what the API records.</summary>
    public const string ApiSource = "urn:kgents:api";

    public static IReadOnlyList<string> Sources { get; } = [ConstantSource, ApiSource];

    /// <summary>The field of an event's data that says how much it is: in tokens, requests or turns.</summary>
    public static string QuantityField(string type) => type switch
    {
        RequestType => "requests",
        TurnType => "turns",
        _ => "total_tokens",
    };

    /// <summary>Whether a price may apply to events of the type. A turn has none: its calls do.</summary>
    public static bool IsBillable(string type) => type is BillableType or RequestType;
}
