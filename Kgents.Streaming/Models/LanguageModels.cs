using Kgents.Contracts;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Models;

/// <summary>The models that may answer: that of <c>ConnectionStrings:llm</c>, and the others of its provider that <c>Model:Allowed</c> names.</summary>
internal sealed class LanguageModels(LanguageModel standard, IReadOnlyDictionary<string, LanguageModel> allowed)
{
    /// <summary>Who answers when nobody is asked for.</summary>
    public LanguageModel Default { get; } = standard;

    /// <summary>Those of a provider.</summary>
    public IEnumerable<string> Names => allowed.Keys;

    /// <summary>Null for a model that was allowed when the message was stored, and is not any more.</summary>
    public LanguageModel? Find(string? name) => name is null ? Default : allowed.GetValueOrDefault(name);

    /// <param name="withTelemetry">Whether there is somebody to read spans and metrics of the calls.</param>
    public static LanguageModels Connect(ModelConnection? connection, ModelOptions options, bool withTelemetry, TimeProvider time, ILogger<RetryingChatClient> logger)
    {
        if (connection is null)
        {
            return new LanguageModels(LanguageModel.Persona, new Dictionary<string, LanguageModel>());
        }

        var models = ModelNames.Parse(options.Allowed).Append(connection.Model).Distinct().ToDictionary(name => name, name => Connect(connection, name, options, withTelemetry, time, logger));
        return new LanguageModels(models[connection.Model], models);
    }

    private static LanguageModel Connect(ModelConnection connection, string name, ModelOptions options, bool withTelemetry, TimeProvider time, ILogger logger)
    {
        // Anthropic's protocol wants a limit in every request; of the others, each model has its own.
        var limit = options.MaxOutputTokens ?? (connection.Provider == ModelConnection.Anthropic ? ModelOptions.AnthropicMaxOutputTokens : null as int?);
        var builder = ProviderClients.Connect(connection, name, time).AsBuilder()
            .ConfigureOptions(chat =>
            {
                // The budget of the message asks for so much, and never for more than is allowed.
                chat.MaxOutputTokens = limit is { } most ? Math.Min(chat.MaxOutputTokens ?? most, most) : chat.MaxOutputTokens;
                chat.Temperature = options.SendTemperature ? chat.Temperature : null;
            })
            .Use(inner => new RetryingChatClient(inner, name, options, time, logger));
        if (withTelemetry)
        {
            // It keeps every piece of an answer, as the provider sent it, until the answer has ended: kilobytes for each token.
            builder.UseOpenTelemetry(configure: telemetry => telemetry.EnableSensitiveData = false);
        }

        var client = builder.Use(inner => new WatchedChatClient(inner, options.IdleTimeout, time)).Build();
        return new LanguageModel(client, name, connection.Provider, limit ?? ModelOptions.MostOutputTokens, IsPersona: false);
    }
}
