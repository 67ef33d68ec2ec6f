namespace Kgents.AppHost;

/// <summary>Settings that several services must agree on: told once to the AppHost, passed to each.</summary>
internal static class SharedSettings
{
    public static IResourceBuilder<T> WithSettings<T>(this IResourceBuilder<T> service, string section)
        where T : IResourceWithEnvironment
    {
        foreach (var (key, value) in service.ApplicationBuilder.Configuration.GetSection(section).AsEnumerable())
        {
            if (value is not null)
            {
                service.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
            }
        }

        return service;
    }
}
