using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Kgents.AppHost.Tests;

/// <summary>The AppHost's application model, as it is before anything of it is started.</summary>
internal static class AppHostModel
{
    /// <summary>The model to run with these settings, whatever the user secrets and the environment of the machine say about optional services.</summary>
    public static Task<IDistributedApplicationTestingBuilder> ForRunAsync(params string[] settings)
        => DistributedApplicationTestingBuilder.CreateAsync<Projects.Kgents_AppHost>(
            ["--Nats:Mode=", "--OpenMeter:Mode=", "--ConnectionStrings:openmeter=", "--ConnectionStrings:llm=", .. settings],
            TestContext.Current.CancellationToken);

    /// <summary>The model to publish as a manifest into <paramref name="directory"/>.</summary>
    public static Task<IDistributedApplicationTestingBuilder> ForPublishAsync(string directory, params string[] settings)
        => DistributedApplicationTestingBuilder.CreateAsync<Projects.Kgents_AppHost>(
            ["--operation", "publish", "--step", "publish-manifest", "--output-path", directory, "--OpenMeter:Mode=", .. settings],
            TestContext.Current.CancellationToken);

    public static T Find<T>(this IDistributedApplicationTestingBuilder builder, string name)
        where T : IResource
        => Assert.IsType<T>(Assert.Single(builder.Resources, resource => resource.Name == name), exactMatch: false);
}
