using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Keys;

/// <summary>Creates, lists, changes and revokes the keys of one tenant, for whoever may. Nobody can give a key a scope that his own has not, a limit above his own, or a longer life.</summary>
internal sealed class KeyAdministration(ApiKeyStore keys, KeyUse use, TimeProvider time) : IDisposable
{
    /// <summary>Keys that a tenant may have, revoked ones too, which stay for the audit.</summary>
    private const int MostKeys = 1_000;

    /// <summary>One at a time, so that each sees the one before it. Another replica can only be one ahead: with R replicas a tenant can have R - 1 keys more.</summary>
    private readonly SemaphoreSlim creating = new(1);

    public async Task<IResult> CreateAsync(ClaimsPrincipal user, TenantId tenant, CreateKeyRequest request, CancellationToken cancellationToken)
    {
        var scopes = request.Scopes ?? [Scopes.Read, Scopes.Write];
        if ((request.Validate() ?? Missing(user, scopes) ?? Past(request.ExpiresAt) ?? Above(user, tenant, request.RequestsPerMinute ?? 0, request.RequestsPerDay ?? 0, request.ExpiresAt ?? DateTimeOffset.MaxValue)) is { } problem)
        {
            return problem;
        }

        var plain = ApiKeySyntax.Generate();
        var hash = ApiKeySyntax.HashOf(plain);
        var record = new ApiKeyRecord(tenant, request.Name!, ApiKeySyntax.PrefixOf(plain), [.. scopes.Distinct()], time.GetUtcNow(), request.ExpiresAt?.ToUniversalTime())
        {
            RequestsPerMinute = Limit(request.RequestsPerMinute),
            RequestsPerDay = Limit(request.RequestsPerDay),
        };
        await creating.WaitAsync(cancellationToken);
        try
        {
            if (keys.Of(tenant).Count() >= MostKeys)
            {
                return Problem.TooManyKeys(MostKeys);
            }

            await keys.TryAddAsync(hash, record, cancellationToken);
        }
        finally
        {
            creating.Release();
        }

        return TypedResults.Json(KeyResponse.From(ApiKeyId.OfHash(hash), record, plain: plain), ApiJson.Default.KeyResponse, statusCode: 201);
    }

    public async Task<IResult> ListAsync(TenantId tenant, CancellationToken cancellationToken) => TypedResults.Ok(new KeyPage(await Task.WhenAll(
        keys.Of(tenant).Select(async key => KeyResponse.From(key.Id, key.Record, await use.LastAsync(key.Id, cancellationToken))))));

    public async Task<IResult> ChangeAsync(ClaimsPrincipal user, TenantId tenant, string keyId, ChangeKeyRequest request, CancellationToken cancellationToken)
    {
        if ((request.Validate() ?? Missing(user, request.Scopes ?? []) ?? Past(request.ExpiresAt) ?? Above(user, tenant, request.RequestsPerMinute, request.RequestsPerDay, request.ExpiresAt)) is { } problem)
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

    public void Dispose() => creating.Dispose();

    private static long? Limit(long? asked) => asked is 0 ? null : asked;

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult? Missing(ClaimsPrincipal user, IEnumerable<string> scopes) =>
        scopes.FirstOrDefault(scope => Scopes.All.Contains(scope) && !user.HasScope(scope)) is { } missing ? Problem.ScopeMissing(missing) : null;

    /// <summary>A key with limits of its own cannot lift them, neither its own nor by another key; nor can one that expires outlive that.</summary>
    /// <param name="perMinute">0 for none; null when it is left as it is.</param>
    /// <param name="expiresAt">The end of time for never; null when it is left as it is.</param>
    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult? Above(ClaimsPrincipal user, TenantId tenant, long? perMinute, long? perDay, DateTimeOffset? expiresAt)
    {
        var own = user.KeyLimits();
        return user.Tenant() != tenant ? null
            : IsAbove(perMinute, own.Minute) ? Problem.AboveOwnLimit("requests_per_minute", own.Minute)
            : IsAbove(perDay, own.Day) ? Problem.AboveOwnLimit("requests_per_day", own.Day)
            : user.KeyExpiresAt() is { } end && expiresAt > end ? Problem.AfterOwnEnd("expires_at", end)
            : null;

        static bool IsAbove(long? asked, long own) => own > 0 && asked is { } limit && (limit == 0 || limit > own);
    }

    private Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult? Past(DateTimeOffset? expiresAt) =>
        expiresAt <= time.GetUtcNow() ? Problem.Invalid(422, "expires_at", "must be in the future") : null;
}
