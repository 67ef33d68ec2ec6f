using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kgents.AppHost.Tests;

public sealed class OpenMeterModeTests
{
    private static readonly string[] Parts =
        ["openmeter-clickhouse", "openmeter-kafka", "openmeter-postgres", "openmeter-redis", "openmeter-server", "openmeter-sink-worker"];

    [Theory]
    [InlineData("")]
    [InlineData("external")]
    public async Task OpenMeter_IsTheConnectionStringThatIsConfigured(string mode)
    {
        await using var builder = await AppHostModel.ForRunAsync($"--OpenMeter:Mode={mode}", "--ConnectionStrings:openmeter=Endpoint=http://localhost:8888");

        Assert.True(builder.Find<ParameterResource>("openmeter").IsConnectionString);
        Assert.DoesNotContain(builder.Resources, resource => Parts.Contains(resource.Name));
    }

    [Fact]
    public async Task OpenMeter_IsAllThatItStandsOn_WhenTheModeIsContainer()
    {
        await using var builder = await AppHostModel.ForRunAsync("--OpenMeter:Mode=container");

        Assert.Equal(Parts, builder.Resources.OfType<ContainerResource>().Select(container => container.Name).Where(name => name.StartsWith("openmeter", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal("Endpoint={openmeter-server.bindings.http.url}", builder.Find<ConnectionStringResource>("openmeter").ConnectionStringExpression.ValueExpression);
        Assert.NotEmpty(builder.Find<ContainerResource>("openmeter-server").Annotations.OfType<HealthCheckAnnotation>());

        // It keeps what it has been told: without its keys Redis would let an event be counted twice.
        foreach (var store in (string[])["openmeter-clickhouse", "openmeter-kafka", "openmeter-postgres", "openmeter-redis"])
        {
            Assert.Single(builder.Find<ContainerResource>(store).Annotations.OfType<ContainerMountAnnotation>(), mount => mount.Type == ContainerMountType.Volume);
        }
    }

    [Theory]
    [InlineData("openmeter-server", "openmeter --address 0.0.0.0:8888")]
    [InlineData("openmeter-sink-worker", "openmeter-sink-worker")]
    public async Task OpenMetersPrograms_HaveTheShippedConfiguration_AndWaitForTheHostsThatItNames(string name, string command)
    {
        await using var builder = await AppHostModel.ForRunAsync("--OpenMeter:Mode=container");
        var program = builder.Find<ContainerResource>(name);

        var mount = Assert.Single(program.Annotations.OfType<ContainerMountAnnotation>());
        Assert.True(mount.IsReadOnly && File.Exists(mount.Source), mount.Source);
        Assert.Equal("/bin/bash", program.Entrypoint);
        var arguments = await ArgumentsAsync(program);
        Assert.Equal("-c", arguments[0]);
        Assert.EndsWith($"; exec {command} --config {mount.Target}", arguments[1], StringComparison.Ordinal);

        var hosts = builder.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerNetworkAliasAnnotation>()).Select(alias => alias.Alias).ToHashSet();
        var awaited = arguments[1].Split(" in ")[1].Split(';')[0].Split(' ').Select(address => address.Split(':')[0]).ToList();
        Assert.All(awaited, host => Assert.Contains(host, hosts));
        var configuration = await File.ReadAllTextAsync(mount.Source!, TestContext.Current.CancellationToken);
        Assert.All(hosts.Where(host => host != "openmeter"), host => Assert.Contains($"{host}:", configuration, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metering_GetsTheOpenMeterOfTheContainers_AndDoesNotWaitForIt()
    {
        await using var builder = await AppHostModel.ForRunAsync("--OpenMeter:Mode=container");
        var metering = builder.Find<ProjectResource>("metering");

        var environment = await ExecutionConfigurationBuilder.Create(metering).WithEnvironmentVariablesConfig().BuildAsync(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish), NullLogger.Instance, TestContext.Current.CancellationToken);

        Assert.Equal("{openmeter.connectionString}", environment.EnvironmentVariables.ToDictionary()["ConnectionStrings__openmeter"]);
        Assert.Equal(["nats"], metering.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name));
    }

    [Fact]
    public async Task OpenMeter_IsRefused_WhenTheModeIsUnknown()
    {
        var refusal = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => AppHostModel.ForRunAsync("--OpenMeter:Mode=embedded"));

        Assert.Equal("OpenMeter:Mode is 'embedded'; it must be external or container.", refusal.Message);
    }

    /// <summary>Else known passwords would stand in a manifest.</summary>
    [Fact]
    public async Task Publishing_IsRefused_WhenTheModeIsContainer()
    {
        var directory = Directory.CreateTempSubdirectory("kgents-manifest-");
        try
        {
            var refusal = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => AppHostModel.ForPublishAsync(directory.FullName, "--OpenMeter:Mode=container"));

            Assert.Contains("publish with OpenMeter:Mode=external", refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<string[]> ArgumentsAsync(IResource resource)
    {
        var configuration = await ExecutionConfigurationBuilder.Create(resource).WithArgumentsConfig().BuildAsync(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish), NullLogger.Instance, TestContext.Current.CancellationToken);
        return [.. configuration.Arguments.Select(argument => argument.Value)];
    }
}
