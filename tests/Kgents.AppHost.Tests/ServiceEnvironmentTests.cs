using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kgents.AppHost.Tests;

public sealed class ServiceEnvironmentTests
{
    private static readonly string[] BothOptionalServices =
        ["--ConnectionStrings:openmeter=Endpoint=http://localhost:8888", "--ConnectionStrings:llm=Endpoint=http://localhost:11434"];

    [Theory]
    [InlineData("container")]
    [InlineData("executable")]
    [InlineData("external")]
    public async Task Services_GetTheConnectionStringOfNats_InEveryMode(string mode)
    {
        foreach (var service in new[] { "api", "streaming", "metering" })
        {
            var environment = await ReadAsync(service, $"--Nats:Mode={mode}");

            Assert.Equal("{nats.connectionString}", environment["ConnectionStrings__nats"]);
        }
    }

    [Fact]
    public async Task Streaming_IsTheOnlyService_ThatGetsTheModel()
    {
        Assert.Equal("{llm.connectionString}", (await ReadAsync("streaming", BothOptionalServices))["ConnectionStrings__llm"]);
        Assert.DoesNotContain("ConnectionStrings__llm", await ReadAsync("api", BothOptionalServices));
        Assert.DoesNotContain("ConnectionStrings__llm", await ReadAsync("metering", BothOptionalServices));
    }

    /// <summary>The API refuses what the worker would not run.</summary>
    [Fact]
    public async Task ApiAndStreaming_GetTheSameSettingsOfTheModel()
    {
        foreach (var service in new[] { "api", "streaming" })
        {
            Assert.Equal("small-1", (await ReadAsync(service, "--Model:Allowed=small-1"))["Model__Allowed"]);
        }

        Assert.DoesNotContain("Model__Allowed", await ReadAsync("metering", "--Model:Allowed=small-1"));
    }

    [Fact]
    public async Task Metering_IsTheOnlyService_ThatGetsOpenMeter()
    {
        Assert.Equal("{openmeter.connectionString}", (await ReadAsync("metering", BothOptionalServices))["ConnectionStrings__openmeter"]);
        Assert.DoesNotContain("ConnectionStrings__openmeter", await ReadAsync("api", BothOptionalServices));
        Assert.DoesNotContain("ConnectionStrings__openmeter", await ReadAsync("streaming", BothOptionalServices));
    }

    [Fact]
    public async Task Services_GetNoConnectionString_OfWhatIsNotConfigured()
    {
        Assert.DoesNotContain("ConnectionStrings__llm", await ReadAsync("streaming"));
        Assert.DoesNotContain("ConnectionStrings__openmeter", await ReadAsync("metering"));
    }

    [Fact]
    public async Task NatsExecutable_IsStartedWithTheShippedConfiguration_AndTheFlagsOfThisRun()
    {
        await using var builder = await AppHostModel.ForRunAsync("--Nats:Mode=executable");

        var configuration = await ConfigureAsync(
            ExecutionConfigurationBuilder.Create(builder.Find<NatsExecutableResource>("nats")).WithArgumentsConfig());
        var arguments = configuration.Arguments.Select(argument => argument.Value).ToArray();

        Assert.Equal("-c", arguments[0]);
        Assert.True(File.Exists(arguments[1]), arguments[1]);
        Assert.Equal(
            ["--port", "{nats.bindings.tcp.targetPort}", "--http_port", "{nats.bindings.monitor.targetPort}", "--user", "nats", "--pass", "{nats-password.value}"],
            arguments[2..]);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(string service, params string[] settings)
    {
        await using var builder = await AppHostModel.ForRunAsync(settings);

        var configuration = await ConfigureAsync(
            ExecutionConfigurationBuilder.Create(builder.Find<ProjectResource>(service)).WithEnvironmentVariablesConfig());
        return configuration.EnvironmentVariables.ToDictionary(StringComparer.Ordinal);
    }

    // Read as for publishing, a value is the expression it comes from; as for running, it would wait for ports that nobody allocates here.
    private static async Task<IExecutionConfigurationResult> ConfigureAsync(IExecutionConfigurationBuilder configuration)
    {
        var result = await configuration.BuildAsync(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Publish), NullLogger.Instance, TestContext.Current.CancellationToken);

        Assert.Null(result.Exception);
        return result;
    }
}
