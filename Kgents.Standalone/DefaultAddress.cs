namespace Kgents.Standalone;

internal static class DefaultAddress
{
    private const string Address = "http://localhost:5080";

    /// <summary>Port 5080 of this machine, where the API also is under Aspire, unless <c>--urls</c> or <c>ASPNETCORE_URLS</c> says otherwise.</summary>
    public static void UseDefaultAddress(this WebApplicationBuilder builder)
    {
        if (builder.Configuration[WebHostDefaults.ServerUrlsKey] is null && builder.Configuration["http_ports"] is null)
        {
            builder.WebHost.UseUrls(Address);
        }
    }
}
