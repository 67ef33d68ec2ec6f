using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Api.Tenants;

/// <summary>A tenant's status as it stands in requests and answers.</summary>
internal static class TenantStatusText
{
    private static readonly Dictionary<string, TenantStatus> ByText = Enum.GetValues<TenantStatus>().ToDictionary(status => JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString()));

    public static IEnumerable<string> All => ByText.Keys;

    public static string Of(TenantStatus status) => JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString());

    /// <summary>Null when there is no such status.</summary>
    public static TenantStatus? Find(string text) => ByText.TryGetValue(text, out var status) ? status : null;
}
