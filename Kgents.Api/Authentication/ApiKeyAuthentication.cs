using System.Security.Claims;
using System.Text.Encodings.Web;
using Kgents.Api.Keys;
using Kgents.Api.Problems;
using Kgents.Api.Tenants;
using Kgents.Api.Tickets;
using Kgents.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Authentication;

/// <summary>
/// Takes the key from <c>Authorization: Bearer</c> or <c>X-API-Key</c>. The tenant comes from the key and from nowhere else. Both are looked up in
/// memory: a request costs no hop, and a key or tenant that changes does so here when its change arrives. Where a stream is followed, a ticket stands for
/// the key that made it.
/// </summary>
internal sealed class ApiKeyAuthentication(
    ApiKeyStore keys, StreamTickets tickets, TenantStore tenants, KeyUse use, TimeProvider time, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "ApiKey";
    private const string Bearer = "Bearer ";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Only where a key is asked for: health must not depend on the store, whatever a probe sends.
        if (Context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is null)
        {
            return AuthenticateResult.NoResult();
        }

        var hash = Presented() is { } key ? ApiKeySyntax.IsValid(key) ? ApiKeySyntax.HashOf(key) : null
            : PresentedTicket() is { } ticket ? await tickets.FindKeyAsync(ticket, RouteText("sessionId"), RouteText("turnId"), Context.RequestAborted)
            : null;
        if (hash is null || keys.Find(hash) is not { } record || !record.IsUsableAt(time.GetUtcNow()) || tenants.Find(record.Tenant) is not { } tenant)
        {
            return AuthenticateResult.Fail("no usable key");
        }

        use.Note(hash);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new Caller(ApiKeyId.OfHash(hash), record, tenant, SchemeName)), SchemeName));
    }

    /// <summary>The same answer for a missing, malformed, unknown, expired and revoked key.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problem.Unauthorized.ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var required = Context.GetEndpoint()!.Metadata.GetRequiredMetadata<RequiredScope>();
        var problem = !Context.User.MayUseService() ? Problem.TenantNotActive(Context.User.TenantStatus())
            : !Context.User.HasScope(required.Name) ? Problem.ScopeMissing(required.Name)
            : Problem.OperatorOnly;
        return problem.ExecuteAsync(Context);
    }

    private string? Presented()
    {
        var authorization = Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim()
            : Request.Headers["X-API-Key"].ToString() is { Length: > 0 } key ? key
            : null;
    }

    private string? PresentedTicket() =>
        Context.GetEndpoint()?.Metadata.GetMetadata<AcceptsTicket>() is not null && Request.Query[AcceptsTicket.Parameter] is [{ } ticket] ? ticket : null;

    private string? RouteText(string name) => Context.GetRouteValue(name) as string;
}
