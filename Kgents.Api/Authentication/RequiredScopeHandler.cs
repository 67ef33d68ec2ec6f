using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Authentication;

/// <summary>Decides whether a caller may use an endpoint.</summary>
internal sealed class RequiredScopeHandler(IOptions<BootstrapKeyOptions> operatorOptions) : AuthorizationHandler<RequiredScope>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RequiredScope requirement)
    {
        if (context.User.Identity?.IsAuthenticated == true
            && context.User.MayUseService()
            && context.User.HasScope(requirement.Name)
            && (!requirement.OfOperator || context.User.Tenant().ToString() == operatorOptions.Value.BootstrapTenant))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}
