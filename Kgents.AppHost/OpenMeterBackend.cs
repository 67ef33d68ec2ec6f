namespace Kgents.AppHost;

/// <summary>Where OpenMeter comes from; metering sees a connection string named like the resource, or none.</summary>
internal static class OpenMeterBackend
{
    /// <summary>
    /// <c>OpenMeter:Mode</c> is <c>external</c> (default: <c>ConnectionStrings:{name}</c>, which may be left out) or <c>container</c> (a whole OpenMeter on this machine, to try it out).
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString>? AddOpenMeterBackend(this IDistributedApplicationBuilder builder, [ResourceName] string name)
        => builder.Configuration["OpenMeter:Mode"] switch
        {
            null or "" or "external" => builder.AddOptionalConnectionString(name),
            // It has known passwords and one copy of everything.
            "container" when builder.ExecutionContext.IsPublishMode => throw new DistributedApplicationException(
                "OpenMeter:Mode is 'container', which is for running on this machine alone; publish with OpenMeter:Mode=external, and give the address of yours as the connection string."),
            "container" => builder.AddOpenMeterContainers(name),
            var mode => throw new DistributedApplicationException($"OpenMeter:Mode is '{mode}'; it must be external or container."),
        };
}
