using Microsoft.AspNetCore.Authorization;

namespace Kgents.Api.Authentication;

/// <summary>What a key must be allowed to do for an endpoint. Every endpoint under <c>/v1</c> declares one.</summary>
/// <param name="OfOperator">The key must also be one of the operator's tenant.</param>
internal sealed record RequiredScope(string Name, bool OfOperator) : IAuthorizationRequirement;

internal static class RequiredScopeSetup
{
    /// <summary>A key with this scope is asked for, of a tenant that may use the service.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, string scope, bool ofOperator = false)
        where TBuilder : IEndpointConventionBuilder
    {
        var required = new RequiredScope(scope, ofOperator);
        return builder.RequireAuthorization(policy => policy.RequireAuthenticatedUser().AddRequirements(required)).WithMetadata(required);
    }
}
