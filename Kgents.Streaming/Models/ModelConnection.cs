using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Connections;

namespace Kgents.Streaming.Models;

/// <summary>Which model answers, by <c>ConnectionStrings:llm</c>.</summary>
/// <param name="Key">The secret; never written to a log.</param>
internal sealed record ModelConnection(string Provider, Uri Endpoint, string? Key, string Model)
{
    public const string ConnectionName = "llm";

    public const string OpenAI = "openai";
    public const string Anthropic = "anthropic";
    public const string Ollama = "ollama";
    public const string Persona = "persona";

    private static readonly Dictionary<string, string> DefaultEndpoints = new()
    {
        [OpenAI] = "https://api.openai.com/v1",
        [Anthropic] = "https://api.anthropic.com",
        [Ollama] = "http://localhost:11434",
    };

    /// <summary>Null for the built-in persona, which needs no connection.</summary>
    /// <exception cref="SettingException">It cannot be used; the message names the setting and what it can be, and never repeats its value.</exception>
    public static ModelConnection? Find(IConfiguration configuration)
    {
        if (ConnectionStringParts.Find(configuration, ConnectionName, "Provider=openai;Endpoint=https://host/v1;Key=secret;Model=name") is not { } parts)
        {
            return null;
        }

        var provider = (parts["Provider"] ?? OpenAI).ToLowerInvariant();
        if (provider == Persona)
        {
            return null;
        }

        return DefaultEndpoints.TryGetValue(provider, out var endpoint)
            ? new ModelConnection(provider, parts.Endpoint(endpoint), parts["Key"], parts["Model"] ?? throw parts.Invalid("Model is missing"))
            : throw parts.Invalid($"Provider must be {OpenAI} (which is the default, and fits every server that speaks its protocol), {Anthropic}, {Ollama} or {Persona}");
    }

    /// <summary>A record prints its properties; this one must not print the key.</summary>
    public override string ToString() => $"{Model} of {Provider} at {Endpoint}";
}
