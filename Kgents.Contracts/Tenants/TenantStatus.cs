using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>Whether a tenant may use the service.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TenantStatus>))]
public enum TenantStatus
{
    [JsonStringEnumMemberName("active")]
    Active,

    [JsonStringEnumMemberName("trialing")]
    Trialing,

    /// <summary>Payment is late; a grace in which everything still works.</summary>
    [JsonStringEnumMemberName("past_due")]
    PastDue,

    [JsonStringEnumMemberName("paused")]
    Paused,

    [JsonStringEnumMemberName("canceled")]
    Canceled,
}
