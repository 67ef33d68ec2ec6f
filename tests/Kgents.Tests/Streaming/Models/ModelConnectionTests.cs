using Kgents.ServiceDefaults;
using Kgents.Streaming.Models;
using Microsoft.Extensions.Configuration;

namespace Kgents.Tests.Streaming.Models;

public sealed class ModelConnectionTests
{
    private const string Secret = "s3cr3t-key";

    [Theory]
    [InlineData("Endpoint=http://localhost:8080/v1;Model=m", "openai", "http://localhost:8080/v1", null)]
    [InlineData("Key=k;Model=m", "openai", "https://api.openai.com/v1", "k")]
    [InlineData("provider=Anthropic;key=k;model=m", "anthropic", "https://api.anthropic.com/", "k")]
    [InlineData("Provider=anthropic;Endpoint=https://gateway.example/anthropic;Key=k;Model=m", "anthropic", "https://gateway.example/anthropic", "k")]
    [InlineData("Provider=ollama;Model=m", "ollama", "http://localhost:11434/", null)]
    public void Connection_HasItsProvidersDefaults(string text, string provider, string endpoint, string? key) =>
        Assert.Equal(new ModelConnection(provider, new Uri(endpoint), key, "m"), Find(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Provider=persona")]
    public void Persona_NeedsNoConnection(string? text) => Assert.Null(Find(text));

    [Theory]
    [InlineData("Provider=openia;Model=m;Key=" + Secret, "openai", "anthropic", "ollama", "persona")]
    [InlineData("Provider=anthropic;Key=" + Secret, "Model is missing")]
    [InlineData("Provider=openai;Model=;Key=" + Secret, "Model is missing")]
    [InlineData("Provider=ollama;Endpoint=localhost:11434;Model=m;Key=" + Secret, "Endpoint")]
    [InlineData("sk-" + Secret, "Name=value")]
    public void Refusal_NamesTheSettingAndTheChoices_AndNeverTheKey(string text, params string[] named)
    {
        var exception = Assert.Throws<SettingException>(() => Find(text));

        Assert.All([.. named, "ConnectionStrings:llm", "ConnectionStrings__llm", "Provider=openai;Endpoint="], part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_SaysWhere_AndNeverTheKey() =>
        Assert.Equal("m of openai at https://api.openai.com/v1", $"{Find($"Key={Secret};Model=m")}");

    private static ModelConnection? Find(string? text) =>
        ModelConnection.Find(new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:llm", text)]).Build());
}
