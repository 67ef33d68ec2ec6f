using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Keys;

/// <summary>Creates, lists, changes and revokes the keys of one tenant, for whoever may. Nobody can give a key a scope that his own has not.</summary>
internal sealed class KeyAdministration(ApiKeyStore keys, KeyUse use, TimeProvider time)
{
    /// <summary>Keys that a tenant may have, revoked ones too, which stay for the audit.</summary>
    private const int MostKeys = 1_000;

    public async Task<IResult> CreateAsync(ClaimsPrincipal user, TenantId tenant, CreateKeyRequest request, CancellationToken cancellationToken)
    {
        var scopes = request.Scopes ?? [Scopes.Read, Scopes.Write];
        if ((request.Validate() ?? Missing(user, scopes) ?? Past(request.ExpiresAt)) is { } problem)
        {
            return problem;
        }

        if (keys.Of(tenant).Count() >= MostKeys)
        {
            return Problem.TooManyKeys(MostKeys);
        }

        var plain = ApiKeySyntax.Generate();
        var hash = ApiKeySyntax.HashOf(plain);
        var record = new ApiKeyRecord(tenant, request.Name!, ApiKeySyntax.PrefixOf(plain), [.. scopes.Distinct()], time.GetUtcNow(), request.ExpiresAt?.ToUniversalTime())
        {
            RequestsPerMinute = Limit(request.RequestsPerMinute),
            RequestsPerDay = Limit(request.RequestsPerDay),
        };
        await keys.TryAddAsync(hash, record, cancellationToken);
        return TypedResults.Json(KeyResponse.From(ApiKeyId.OfHash(hash), record, plain: plain), ApiJson.Default.KeyResponse, statusCode: 201);
    }

    public async Task<IResult> ListAsync(TenantId tenant, CancellationToken cancellationToken) => TypedResults.Ok(new KeyPage(await Task.WhenAll(
        keys.Of(tenant).Select(async key => KeyResponse.From(key.Id, key.Record, await use.LastAsync(key.Id, cancellationToken))))));

    public async Task<IResult> ChangeAsync(ClaimsPrincipal user, TenantId tenant, string keyId, ChangeKeyRequest request, CancellationToken cancellationToken)
    {
        if ((request.Validate() ?? Missing(user, request.Scopes ?? []) ?? Past(request.ExpiresAt)) is { } problem)
        {
            return problem;
        }

        return ApiKeyId.TryParse(keyId, null, out var id) && await keys.ChangeAsync(tenant, id, Apply, cancellationToken) is { } changed
            ? TypedResults.Ok(KeyResponse.From(id, changed))
            : Problem.KeyNotFound;

        ApiKeyRecord Apply(ApiKeyRecord key) => key with
        {
            Name = request.Name ?? key.Name,
            Scopes = request.Scopes?.Distinct().ToArray() ?? key.Scopes,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime() ?? key.ExpiresAt,
            RequestsPerMinute = request.RequestsPerMinute is null ? key.RequestsPerMinute : Limit(request.RequestsPerMinute),
            RequestsPerDay = request.RequestsPerDay is null ? key.RequestsPerDay : Limit(request.RequestsPerDay),
        };
    }

    /// <summary>May be repeated; the time of the first stays.</summary>
    public async Task<IResult> RevokeAsync(TenantId tenant, string keyId, CancellationToken cancellationToken) =>
        ApiKeyId.TryParse(keyId, null, out var id)
            && await keys.ChangeAsync(tenant, id, key => key.RevokedAt is null ? key with { RevokedAt = time.GetUtcNow() } : key, cancellationToken) is not null
            ? TypedResults.NoContent()
            : Problem.KeyNotFound;

    private static long? Limit(long? asked) => asked is 0 ? null : asked;

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult? Missing(ClaimsPrincipal user, IEnumerable<string> scopes) =>
        scopes.FirstOrDefault(scope => Scopes.All.Contains(scope) && !user.HasScope(scope)) is { } missing ? Problem.ScopeMissing(missing) : null;

    private Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult? Past(DateTimeOffset? expiresAt) =>
        expiresAt <= time.GetUtcNow() ? Problem.Invalid(422, "expires_at", "must be in the future") : null;
}
