namespace Kgents.AppHost;

/// <summary>A connection string that a developer may leave out; a published manifest always asks for it.</summary>
internal static class OptionalConnectionString
{
    public static IResourceBuilder<IResourceWithConnectionString>? AddOptionalConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name)
    {
        var isWanted = builder.ExecutionContext.IsPublishMode || !string.IsNullOrEmpty(builder.Configuration[$"ConnectionStrings:{name}"]);
        return isWanted ? builder.AddConnectionString(name) : null;
    }

    public static IResourceBuilder<T> WithOptionalReference<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithConnectionString>? source)
        where T : IResourceWithEnvironment
        => source is null ? builder : builder.WithReference(source);
}
