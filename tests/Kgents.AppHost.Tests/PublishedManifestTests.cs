using System.Text.Json;

namespace Kgents.AppHost.Tests;

public sealed class PublishedManifestTests(PublishedManifest manifest) : IClassFixture<PublishedManifest>
{
    [Theory]
    [InlineData("nats")]
    [InlineData("openmeter")]
    [InlineData("llm")]
    public void ConnectionString_IsAskedFor_FromWhoDeploys(string name)
    {
        var resource = manifest.Resources.GetProperty(name);

        // The shape that aspirate turns into a Kubernetes Secret: one secret input and nothing generated.
        Assert.Equal("parameter.v0", resource.GetProperty("type").GetString());
        Assert.Equal($"{{{name}.value}}", resource.GetProperty("connectionString").GetString());
        var input = resource.GetProperty("inputs").GetProperty("value");
        Assert.True(input.GetProperty("secret").GetBoolean());
        Assert.False(input.TryGetProperty("default", out _));
    }

    [Fact]
    public void Manifest_HasOnlyServicesAndConnectionStrings_SoThatNothingIsGenerated()
    {
        var resources = manifest.Resources.EnumerateObject().Select(resource => resource.Name).Order();

        Assert.Equal(["api", "llm", "metering", "nats", "openmeter", "streaming"], resources);
        Assert.DoesNotContain("\"generate\"", manifest.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("password", manifest.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("api")]
    [InlineData("streaming")]
    [InlineData("metering")]
    public void Service_IsAProjectWithBindings_AndNoArguments(string name)
    {
        var service = manifest.Resources.GetProperty(name);

        Assert.StartsWith("project.", service.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Equal("http", service.GetProperty("bindings").GetProperty("http").GetProperty("scheme").GetString());
        Assert.Equal("{nats.connectionString}", service.GetProperty("env").GetProperty("ConnectionStrings__nats").GetString());
        // aspirate never resolves a placeholder in `args`.
        Assert.False(service.TryGetProperty("args", out _));
    }

    [Fact]
    public void Api_IsTheOnlyService_ThatIsExternal()
    {
        Assert.True(IsExternal("api"));
        Assert.False(IsExternal("streaming"));
        Assert.False(IsExternal("metering"));

        bool IsExternal(string name)
            => manifest.Resources.GetProperty(name).GetProperty("bindings").GetProperty("http").TryGetProperty("external", out var external) && external.GetBoolean();
    }

    [Fact]
    public void OptionalServices_AreGivenToTheServiceThatUsesThem()
    {
        Assert.Equal("{llm.connectionString}", Environment("streaming").GetProperty("ConnectionStrings__llm").GetString());
        Assert.Equal("{openmeter.connectionString}", Environment("metering").GetProperty("ConnectionStrings__openmeter").GetString());
        Assert.False(Environment("api").TryGetProperty("ConnectionStrings__llm", out _));

        JsonElement Environment(string name) => manifest.Resources.GetProperty(name).GetProperty("env");
    }
}
