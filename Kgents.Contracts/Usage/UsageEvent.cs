using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>A CloudEvent 1.0 for OpenMeter. <c>subject</c> is the tenant, <c>time</c> the instant at which the usage was final, in UTC.</summary>
public sealed record UsageEvent(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("subject")] TenantId Subject,
    [property: JsonPropertyName("time")] string Time,
    [property: JsonPropertyName("data")] UsageData Data)
{
    public const string BillableType = "kgents.llm.usage.v1";
    public const string NonBillableType = "kgents.llm.usage.nonbillable.v1";

    /// <summary>Constant, so that a worker's death does not change an event's identity, which is (source, id).</summary>
    public const string ConstantSource = "urn:kgents:streaming";

    [JsonPropertyName("specversion")]
    public string SpecVersion { get; init; } = "1.0";

    [JsonPropertyName("source")]
    public string Source { get; init; } = ConstantSource;

    [JsonPropertyName("datacontenttype")]
    public string DataContentType { get; init; } = "application/json";
}
