using Kgents.Api.Plans;
using Kgents.Contracts;

namespace Kgents.Api.Tenants;

/// <summary>A tenant as the operator sees it.</summary>
internal sealed record TenantResponse(TenantId Id, string Name, string Slug, TenantStatus Status, string Plan, IReadOnlyDictionary<string, string> Settings, DateTimeOffset CreatedAt)
{
    public static TenantResponse From(TenantRecord tenant, PlanCatalog plans) => new(tenant.Id, tenant.Name, tenant.Slug ?? tenant.Id.ToString(), tenant.Status, plans.Of(tenant).Name, tenant.Settings, tenant.CreatedAt);
}

/// <summary>A page of tenants, by their ids; <paramref name="Next"/> is the cursor of the next page.</summary>
internal sealed record TenantPage(IReadOnlyList<TenantResponse> Tenants, string? Next);
