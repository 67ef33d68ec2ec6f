using Microsoft.AspNetCore.Authentication;

namespace Kgents.Api.Authentication;

internal static class ApiKeyAuthenticationSetup
{
    /// <summary>AddAuthentication would bring data protection with it, which writes a key ring to disk that nothing here uses.</summary>
    public static void AddApiKeyAuthentication(this IServiceCollection services)
    {
        services.AddAuthenticationCore(authentication => authentication.DefaultScheme = ApiKeyAuthentication.SchemeName);
        services.AddWebEncoders();
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null);
    }
}
