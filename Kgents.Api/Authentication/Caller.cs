using System.Globalization;
using System.Security.Claims;
using Kgents.Api.Tenants;
using Kgents.Contracts;

namespace Kgents.Api.Authentication;

/// <summary>Who makes a request: what its key says, and nothing that the request says.</summary>
internal static class Caller
{
    private const string TenantClaim = "tenant";
    private const string StatusClaim = "tenant_status";
    private const string ScopeClaim = "scope";
    private const string KeyClaim = "key";
    private const string KeyMinuteClaim = "key_minute";
    private const string KeyDayClaim = "key_day";

    public static ClaimsIdentity Create(ApiKeyId id, ApiKeyRecord key, TenantRecord tenant, string scheme) => new(
        [
            new(TenantClaim, tenant.Id.ToString()),
            new(StatusClaim, tenant.Status.ToString()),
            new(KeyClaim, id.ToString()),
            new(KeyMinuteClaim, Text(key.RequestsPerMinute)),
            new(KeyDayClaim, Text(key.RequestsPerDay)),
            .. key.Scopes.Select(scope => new Claim(ScopeClaim, scope)),
        ],
        scheme);

    public static TenantId Tenant(this ClaimsPrincipal user) =>
        TenantId.Parse(user.FindFirstValue(TenantClaim) ?? throw new InvalidOperationException("The endpoint does not require a key."));

    public static ApiKeyId Key(this ClaimsPrincipal user) => ApiKeyId.Parse(user.FindFirstValue(KeyClaim)!);

    /// <summary>Requests in a minute and in a day that the key may make, besides its tenant's limits; 0 for no limit.</summary>
    public static (long Minute, long Day) KeyLimits(this ClaimsPrincipal user) => (Number(user, KeyMinuteClaim), Number(user, KeyDayClaim));

    public static TenantStatus TenantStatus(this ClaimsPrincipal user) => Enum.Parse<TenantStatus>(user.FindFirstValue(StatusClaim)!);

    public static bool MayUseService(this ClaimsPrincipal user) => user.TenantStatus().MayUseService();

    public static bool HasScope(this ClaimsPrincipal user, string scope) => user.HasClaim(ScopeClaim, scope);

    public static IEnumerable<string> Scopes(this ClaimsPrincipal user) => user.FindAll(ScopeClaim).Select(claim => claim.Value);

    private static string Text(long? number) => (number ?? 0).ToString(CultureInfo.InvariantCulture);

    private static long Number(ClaimsPrincipal user, string claim) => long.Parse(user.FindFirstValue(claim)!, CultureInfo.InvariantCulture);
}
