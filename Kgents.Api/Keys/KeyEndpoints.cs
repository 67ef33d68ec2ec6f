using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Tenants;
using Kgents.Contracts;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Keys;

/// <summary>A tenant's administrators manage its keys; the operator those of every tenant.</summary>
internal static class KeyEndpoints
{
    private const int LargestBody = 16 * 1024;

    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        var own = routes.MapGroup("/v1/keys").RequireScope(Scopes.Admin).WithTags("Keys");
        own.MapPost("/", CreateOwnKey).Describe(KeyOperations.OfOwn.Create).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        own.MapGet("/", ListOwnKeys).Describe(KeyOperations.OfOwn.List);
        own.MapPatch("/{keyId}", ChangeOwnKey).Describe(KeyOperations.OfOwn.Change).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        own.MapDelete("/{keyId}", RevokeOwnKey).Describe(KeyOperations.OfOwn.Revoke);

        var keys = routes.MapGroup("/v1/admin/tenants/{tenantId}/keys").RequireScope(Scopes.Admin, ofOperator: true).AddEndpointFilter(RequireTenantAsync).WithTags("Keys");
        keys.MapPost("/", CreateKey).Describe(KeyOperations.OfTenant.Create).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        keys.MapGet("/", ListKeys).Describe(KeyOperations.OfTenant.List);
        keys.MapPatch("/{keyId}", ChangeKey).Describe(KeyOperations.OfTenant.Change).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        keys.MapDelete("/{keyId}", RevokeKey).Describe(KeyOperations.OfTenant.Revoke);
    }

    private static Task<IResult> CreateOwnKey(CreateKeyRequest request, ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.CreateAsync(user, user.Tenant(), request, cancellationToken);

    private static Task<IResult> ListOwnKeys(ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.ListAsync(user.Tenant(), cancellationToken);

    private static Task<IResult> ChangeOwnKey(string keyId, ChangeKeyRequest request, ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.ChangeAsync(user, user.Tenant(), keyId, request, cancellationToken);

    private static Task<IResult> RevokeOwnKey(string keyId, ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.RevokeAsync(user.Tenant(), keyId, cancellationToken);

    private static Task<IResult> CreateKey(string tenantId, CreateKeyRequest request, ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.CreateAsync(user, TenantId.Parse(tenantId), request, cancellationToken);

    private static Task<IResult> ListKeys(string tenantId, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.ListAsync(TenantId.Parse(tenantId), cancellationToken);

    private static Task<IResult> ChangeKey(
        string tenantId, string keyId, ChangeKeyRequest request, ClaimsPrincipal user, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.ChangeAsync(user, TenantId.Parse(tenantId), keyId, request, cancellationToken);

    private static Task<IResult> RevokeKey(string tenantId, string keyId, KeyAdministration keys, CancellationToken cancellationToken) =>
        keys.RevokeAsync(TenantId.Parse(tenantId), keyId, cancellationToken);

    private static async ValueTask<object?> RequireTenantAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        TenantId.TryParse(context.HttpContext.GetRouteValue("tenantId") as string, null, out var id)
            && context.HttpContext.RequestServices.GetRequiredService<TenantStore>().Find(id) is not null
            ? await next(context)
            : Problem.TenantNotFound;
}
