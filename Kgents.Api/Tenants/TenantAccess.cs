using Kgents.Contracts;

namespace Kgents.Api.Tenants;

internal static class TenantAccess
{
    /// <summary>A late payment is a grace, not the end.</summary>
    public static bool MayUseService(this TenantStatus status) => status is TenantStatus.Active or TenantStatus.Trialing or TenantStatus.PastDue;
}
