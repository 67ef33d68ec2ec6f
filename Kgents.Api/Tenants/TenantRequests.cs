using System.ComponentModel.DataAnnotations;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Tenants;

/// <summary>A new tenant. Its id cannot be changed later; without one it is drawn. Without a slug it has its id for one.</summary>
internal sealed record CreateTenantRequest(string? Id, [property: Required] string? Name, string? Slug, string? Status, string? Plan, Dictionary<string, string>? Settings)
{
    public ProblemHttpResult? Validate(PlanCatalog plans) =>
        Id is not null && !TenantId.TryParse(Id, null, out _) ? Problem.Invalid(422, "id", "must be 1 to 40 of [a-z0-9-]")
        : Name is null ? Problem.Invalid(422, "name", "is missing")
        : TenantFields.Validate(Name, Slug, Status, Plan, Settings, plans);
}

/// <summary>What is to change of a tenant; what is left out stays.</summary>
internal sealed record ChangeTenantRequest(string? Name, string? Slug, string? Status, string? Plan, Dictionary<string, string>? Settings)
{
    public ProblemHttpResult? Validate(PlanCatalog plans) => TenantFields.Validate(Name, Slug, Status, Plan, Settings, plans);

    public TenantRecord ApplyTo(TenantRecord tenant) => tenant with
    {
        Name = Name ?? tenant.Name,
        Slug = Slug ?? tenant.Slug,
        Status = Status is null ? tenant.Status : TenantStatusText.Find(Status)!.Value,
        Plan = Plan ?? tenant.Plan,
        Settings = Settings ?? tenant.Settings,
    };
}

/// <summary>What both may hold.</summary>
internal static class TenantFields
{
    private const int LongestName = 200;
    private const int MostSettings = 50;
    private const int LongestSetting = 500;

    public static ProblemHttpResult? Validate(string? name, string? slug, string? status, string? plan, Dictionary<string, string>? settings, PlanCatalog plans)
    {
        if (name is not null && (string.IsNullOrWhiteSpace(name) || name.Length > LongestName))
        {
            return Problem.Invalid(422, "name", $"must be 1 to {LongestName} characters and not blank");
        }

        if (slug is not null && !TenantId.TryParse(slug, null, out _))
        {
            return Problem.Invalid(422, "slug", "must be 1 to 40 of [a-z0-9-]");
        }

        if (status is not null && TenantStatusText.Find(status) is null)
        {
            return Problem.Invalid(422, "status", $"must be one of {string.Join(", ", TenantStatusText.All)}");
        }

        if (plan is not null && !plans.Contains(plan))
        {
            return Problem.Invalid(422, "plan", $"must be one of {string.Join(", ", plans.Names)}");
        }

        return settings is { } map && (map.Count > MostSettings || map.Any(each => each.Key.Length > LongestSetting || each.Value is null or { Length: > LongestSetting }))
            ? Problem.Invalid(422, "settings", $"must be at most {MostSettings} texts of at most {LongestSetting} characters")
            : null;
    }
}
