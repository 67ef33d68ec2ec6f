using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Tenants;

/// <summary>The operator creates tenants, looks at them and changes them. A tenant is never deleted: what it used must stay attributable.</summary>
internal static class TenantEndpoints
{
    private const int LargestBody = 64 * 1024;

    public static void MapTenants(this IEndpointRouteBuilder routes)
    {
        var tenants = routes.MapGroup("/v1/admin/tenants").RequireScope(Scopes.Admin, ofOperator: true).WithTags("Tenants");
        tenants.MapPost("/", CreateTenant).Describe(TenantOperations.Create).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        tenants.MapGet("/", ListTenants).Describe(TenantOperations.List);
        tenants.MapGet("/{tenantId}", GetTenant).Describe(TenantOperations.Get);
        tenants.MapPatch("/{tenantId}", ChangeTenant).Describe(TenantOperations.Change).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
    }

    private static async Task<Results<Created<TenantResponse>, ProblemHttpResult>> CreateTenant(
        CreateTenantRequest request, TenantStore tenants, TenantSlugs slugs, PlanCatalog plans, TimeProvider time, CancellationToken cancellationToken)
    {
        if (request.Validate(plans) is { } problem)
        {
            return problem;
        }

        var status = request.Status is null ? TenantStatus.Active : TenantStatusText.Find(request.Status)!.Value;
        var tenant = new TenantRecord(
            TenantId.Parse(request.Id ?? $"tn-{Guid.CreateVersion7(time.GetUtcNow()):n}"), request.Name!, status, request.Settings ?? [], time.GetUtcNow())
        {
            Plan = request.Plan,
            Slug = request.Slug,
        };
        if (tenants.Find(tenant.Id) is not null)
        {
            return Problem.TenantExists;
        }

        if (!await slugs.TryClaimAsync(tenant.Id, request.Slug ?? tenant.Id.ToString(), cancellationToken))
        {
            return Problem.SlugTaken;
        }

        return await tenants.TryCreateAsync(tenant, cancellationToken)
            ? TypedResults.Created($"/v1/admin/tenants/{tenant.Id}", TenantResponse.From(tenant, plans))
            : Problem.TenantExists;
    }

    private static Results<Ok<TenantPage>, ProblemHttpResult> ListTenants(TenantStore tenants, PlanCatalog plans, string? limit = null, string? cursor = null, string? slug = null)
    {
        if (Paging.Read(limit, cursor: null, 0, out var page) is { } problem)
        {
            return problem;
        }

        if (cursor is not null && !TenantId.TryParse(cursor, null, out _))
        {
            return Problem.Invalid(400, "cursor", "is not a cursor of this listing");
        }

        var found = tenants.All.Where(tenant => slug is null || (tenant.Slug ?? tenant.Id.ToString()) == slug).Where(tenant => string.CompareOrdinal(tenant.Id.ToString(), cursor) > 0).Take(page.Limit + 1).Select(tenant => TenantResponse.From(tenant, plans)).ToList();
        var shown = found.Take(page.Limit).ToList();
        return TypedResults.Ok(new TenantPage(shown, found.Count > page.Limit ? shown[^1].Id.ToString() : null));
    }

    private static Results<Ok<TenantResponse>, ProblemHttpResult> GetTenant(string tenantId, TenantStore tenants, PlanCatalog plans) =>
        TenantId.TryParse(tenantId, null, out var id) && tenants.Find(id) is { } tenant ? TypedResults.Ok(TenantResponse.From(tenant, plans)) : Problem.TenantNotFound;

    private static async Task<Results<Ok<TenantResponse>, ProblemHttpResult>> ChangeTenant(
        string tenantId, ChangeTenantRequest request, TenantStore tenants, TenantSlugs slugs, PlanCatalog plans, IOptions<BootstrapKeyOptions> operatorOptions, CancellationToken cancellationToken)
    {
        if (request.Validate(plans) is { } problem)
        {
            return problem;
        }

        if (!TenantId.TryParse(tenantId, null, out var id))
        {
            return Problem.TenantNotFound;
        }

        if (tenantId == operatorOptions.Value.BootstrapTenant && request.Status is not null && !TenantStatusText.Find(request.Status)!.Value.MayUseService())
        {
            return Problem.Invalid(422, "status", "of the operator's tenant must stay one that may use the service: else nobody could undo it");
        }

        if (request.Slug is { } slug && tenants.Find(id) is not null && !await slugs.TryClaimAsync(id, slug, cancellationToken))
        {
            return Problem.SlugTaken;
        }

        return await tenants.ChangeAsync(id, request.ApplyTo, cancellationToken) is { } changed ? TypedResults.Ok(TenantResponse.From(changed, plans)) : Problem.TenantNotFound;
    }
}
