using Kgents.ServiceDefaults.Connections;
using Kgents.ServiceDefaults;
using Microsoft.Extensions.Configuration;

namespace Kgents.Tests.ServiceDefaults.Connections;

public sealed class EndpointConnectionStringTests
{
    private const string Secret = "s3cr3t-key";

    [Theory]
    [InlineData("Endpoint=https://models.example/v1;Key=" + Secret + "")]
    [InlineData("key=" + Secret + " ;ENDPOINT=https://models.example/v1;")]
    [InlineData("Endpoint=\"https://models.example/v1\";Key='" + Secret + "';Other=1")]
    public void ConnectionString_IsRead_InAnyOrderAndCase(string text)
    {
        var connection = Find(text);

        Assert.Equal(new EndpointConnectionString("llm", new Uri("https://models.example/v1"), Secret), connection);
    }

    [Fact]
    public void Key_IsNull_WhenItIsEmpty() =>
        Assert.Equal(new EndpointConnectionString("llm", new Uri("http://localhost:8888"), null), Find("Endpoint=http://localhost:8888;Key="));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void ConnectionString_IsNull_WhenItIsNotConfigured(string? text) => Assert.Null(Find(text));

    [Theory]
    [InlineData("Key=" + Secret)]
    [InlineData("Endpoint=;Key=" + Secret)]
    [InlineData("Endpoint=ftp://models.example;Key=" + Secret)]
    [InlineData("Endpoint=/v1;Key=" + Secret)]
    [InlineData("Endpoint=models.example;Key=" + Secret)]
    [InlineData("Endpoint=file:///etc/passwd;Key=" + Secret)]
    [InlineData(Secret)]
    [InlineData("https://user:" + Secret + "@models.example")]
    [InlineData("Endpoint=https://models.example;Key=\"" + Secret)]
    [InlineData("Endpoint=https://models.example;=" + Secret)]
    public void Refusal_NamesTheSetting_AndNeverItsValue(string text)
    {
        var exception = Assert.Throws<SettingException>(() => Find(text));

        Assert.Contains("ConnectionStrings:llm", exception.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__llm", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_SaysWhere_AndNeverTheKey()
    {
        var connection = Find($"Endpoint=https://models.example/v1;Key={Secret}");

        Assert.Equal("llm at https://models.example/v1", $"{connection}");
    }

    private static EndpointConnectionString? Find(string? text) => EndpointConnectionString.Find(
        new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:llm", text)]).Build(), "llm");
}
