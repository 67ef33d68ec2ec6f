using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Kgents.AppHost.Tests;

public sealed class AppHostModelTests
{
    [Fact]
    public async Task Nats_IsAContainerWithJetStreamAndAVolume_ByDefault()
    {
        await using var builder = await AppHostModel.ForRunAsync();

        var nats = builder.Find<NatsServerResource>("nats");

        Assert.Contains(nats.Annotations.OfType<ContainerMountAnnotation>(), mount => mount.Type == ContainerMountType.Volume);
        var configuration = Assert.Single(nats.Annotations.OfType<ContainerMountAnnotation>(), mount => mount.Type == ContainerMountType.BindMount);
        Assert.True(configuration.IsReadOnly);
        Assert.True(File.Exists(configuration.Source));
        Assert.NotEmpty(nats.Annotations.OfType<HealthCheckAnnotation>());
    }

    [Fact]
    public async Task Nats_IsAHealthCheckedProcess_WhenTheModeIsExecutable()
    {
        await using var builder = await AppHostModel.ForRunAsync("--Nats:Mode=executable", "--Nats:Path=/opt/nats/nats-server");

        var nats = builder.Find<NatsExecutableResource>("nats");

        Assert.Equal("/opt/nats/nats-server", nats.Command);
        Assert.NotEmpty(nats.Annotations.OfType<HealthCheckAnnotation>());
    }

    [Fact]
    public async Task Nats_HasPortsChosenPerRun_WhenTheModeIsExecutable()
    {
        await using var builder = await AppHostModel.ForRunAsync("--Nats:Mode=executable");

        var endpoints = builder.Find<NatsExecutableResource>("nats").Annotations.OfType<EndpointAnnotation>().ToArray();

        Assert.Equal(["monitor", "tcp"], endpoints.Select(endpoint => endpoint.Name).Order());
        Assert.All(endpoints, endpoint => Assert.Null(endpoint.Port));
        Assert.All(endpoints, endpoint => Assert.Null(endpoint.TargetPort));
    }

    [Fact]
    public async Task Nats_IsAConnectionString_WhenTheModeIsExternal()
    {
        await using var builder = await AppHostModel.ForRunAsync("--Nats:Mode=external", "--ConnectionStrings:nats=nats://nats.example.org:4222");

        var nats = builder.Find<ParameterResource>("nats");

        Assert.True(nats.IsConnectionString);
        Assert.True(nats.Secret);
    }

    [Fact]
    public async Task Nats_IsRefused_WhenTheModeIsUnknown()
    {
        var refusal = await Assert.ThrowsAnyAsync<DistributedApplicationException>(() => AppHostModel.ForRunAsync("--Nats:Mode=embedded"));

        Assert.Contains("embedded", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OptionalServices_AreNotInTheModel_WhenNoConnectionStringIsConfigured()
    {
        await using var builder = await AppHostModel.ForRunAsync();

        Assert.DoesNotContain(builder.Resources, resource => resource.Name is "openmeter" or "llm");
    }

    [Fact]
    public async Task OptionalServices_AreInTheModel_WhenTheirConnectionStringIsConfigured()
    {
        await using var builder = await AppHostModel.ForRunAsync("--ConnectionStrings:openmeter=Endpoint=http://localhost:8888", "--ConnectionStrings:llm=Endpoint=http://localhost:11434");

        Assert.True(builder.Find<ParameterResource>("openmeter").IsConnectionString);
        Assert.True(builder.Find<ParameterResource>("llm").IsConnectionString);
    }

    [Theory]
    [InlineData("container")]
    [InlineData("executable")]
    [InlineData("external")]
    public async Task Services_WaitForNatsAndTellTheirHealth_InEveryMode(string mode)
    {
        await using var builder = await AppHostModel.ForRunAsync($"--Nats:Mode={mode}");

        foreach (var name in new[] { "api", "streaming", "metering" })
        {
            var service = builder.Find<ProjectResource>(name);
            var wait = Assert.Single(service.Annotations.OfType<WaitAnnotation>());
            var health = Assert.Single(service.Annotations.OfType<HealthCheckAnnotation>());

            Assert.Equal("nats", wait.Resource.Name);
            Assert.Equal(WaitType.WaitUntilHealthy, wait.WaitType);
            Assert.Contains("/health/ready", health.Key, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Streaming_HasTwoReplicas_BehindOneProxiedEndpoint()
    {
        await using var builder = await AppHostModel.ForRunAsync();

        var streaming = builder.Find<ProjectResource>("streaming");
        var endpoint = Assert.Single(streaming.Annotations.OfType<EndpointAnnotation>());

        Assert.Equal(2, streaming.GetReplicaCount());
        // Without the proxy both replicas would be told to listen on the one port of the launch profile.
        Assert.True(endpoint.IsProxied);
        Assert.Null(endpoint.TargetPort);
    }

    [Fact]
    public async Task Api_IsTheOnlyService_ThatIsReachableFromOutside()
    {
        await using var builder = await AppHostModel.ForRunAsync();

        var external = builder.Resources
            .Where(resource => resource.Annotations.OfType<EndpointAnnotation>().Any(endpoint => endpoint.IsExternal))
            .Select(resource => resource.Name);

        Assert.Equal(["api"], external);
    }
}
