using System.Security.Claims;
using System.Text.Encodings.Web;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Authentication;

/// <summary>Takes the key from <c>Authorization: Bearer</c> or <c>X-API-Key</c>. The tenant comes from the key and from nowhere else.</summary>
internal sealed class ApiKeyAuthentication(
    ApiKeyStore keys, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "ApiKey";
    private const string Bearer = "Bearer ";
    private const string TenantClaim = "tenant";

    public static TenantId TenantOf(ClaimsPrincipal user) =>
        TenantId.Parse(user.FindFirstValue(TenantClaim) ?? throw new InvalidOperationException("The endpoint does not require a key."));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Only where a key is asked for: health must not depend on the store, whatever a probe sends.
        if (Context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is null || Presented() is not { } key)
        {
            return AuthenticateResult.NoResult();
        }

        if (!ApiKeySyntax.IsValid(key) || await keys.FindAsync(ApiKeySyntax.HashOf(key), Context.RequestAborted) is not { } record)
        {
            return AuthenticateResult.Fail("unknown key");
        }

        var identity = new ClaimsIdentity([new Claim(TenantClaim, record.Tenant.ToString()), .. record.Scopes.Select(scope => new Claim("scope", scope))], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName));
    }

    /// <summary>The same answer for a missing, malformed and unknown key.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problem.Unauthorized.ExecuteAsync(Context);
    }

    private string? Presented()
    {
        var authorization = Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim()
            : Request.Headers["X-API-Key"].ToString() is { Length: > 0 } key ? key
            : null;
    }
}
