using System.Security.Claims;
using Kgents.Api.Tenants;
using Kgents.Contracts;

namespace Kgents.Api.Authentication;

/// <summary>Who makes a request: what its key says, and nothing that the request says. An open stream holds it as long as it lasts, so it has no claims, each of which would be an object.</summary>
internal sealed class Caller(ApiKeyId id, ApiKeyRecord key, TenantRecord tenant, string scheme) : ClaimsIdentity(scheme)
{
    public ApiKeyId Id => id;

    public ApiKeyRecord Key => key;

    public TenantRecord Tenant => tenant;
}

/// <summary>What endpoints ask of their caller.</summary>
internal static class Callers
{
    public static TenantId Tenant(this ClaimsPrincipal user) => Of(user).Tenant.Id;

    public static ApiKeyId Key(this ClaimsPrincipal user) => Of(user).Id;

    /// <summary>Requests in a minute and in a day that the key may make, besides its tenant's limits; 0 for no limit.</summary>
    public static (long Minute, long Day) KeyLimits(this ClaimsPrincipal user) => (Of(user).Key.RequestsPerMinute ?? 0, Of(user).Key.RequestsPerDay ?? 0);

    /// <summary>Null for never.</summary>
    public static DateTimeOffset? KeyExpiresAt(this ClaimsPrincipal user) => Of(user).Key.ExpiresAt;

    public static TenantStatus TenantStatus(this ClaimsPrincipal user) => Of(user).Tenant.Status;

    public static bool MayUseService(this ClaimsPrincipal user) => user.TenantStatus().MayUseService();

    public static bool HasScope(this ClaimsPrincipal user, string scope) => Of(user).Key.Scopes.Contains(scope);

    public static IEnumerable<string> Scopes(this ClaimsPrincipal user) => Of(user).Key.Scopes;

    private static Caller Of(ClaimsPrincipal user) => user.Identity as Caller ?? throw new InvalidOperationException("The endpoint does not require a key.");
}
