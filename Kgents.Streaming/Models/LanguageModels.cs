using System.ClientModel;
using System.ClientModel.Primitives;
using Kgents.ServiceDefaults.Connections;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenTelemetry.Trace;

namespace Kgents.Streaming.Models;

/// <summary>Chooses the model by <c>ConnectionStrings:llm</c>: an OpenAI-compatible endpoint, or the built-in persona when there is none.</summary>
internal static class LanguageModels
{
    public const string ConnectionName = "llm";

    public static void AddLanguageModel(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptionsWithValidateOnStart<ModelOptions, ModelOptionsValidator>().BindConfiguration(ModelOptions.SectionName);

        // Read now: a connection string that cannot be read must stop the process, not the first turn.
        var connection = EndpointConnectionString.Find(builder.Configuration, ConnectionName);
        if (connection is { Model: null })
        {
            throw EndpointConnectionString.Invalid(ConnectionName, "Model is missing");
        }

        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(new RedactedModelSpans()));
        builder.Services.AddSingleton(provider => connection is null
            ? new LanguageModel(new PersonaChatClient(), PersonaChatClient.ModelName, "kgents", IsPersona: true)
            : Connect(connection, provider.GetRequiredService<IOptions<ModelOptions>>().Value));
    }

    private static LanguageModel Connect(EndpointConnectionString connection, ModelOptions options)
    {
        // Servers without keys (llama.cpp, vLLM) ignore it, but the client wants one.
        var client = new OpenAIClient(new ApiKeyCredential(connection.Key ?? "none"), new OpenAIClientOptions
        {
            Endpoint = connection.Endpoint,
            NetworkTimeout = options.IdleTimeout,
            RetryPolicy = new ClientRetryPolicy(options.MaxRetries),
        });
        var chat = client.GetChatClient(connection.Model).AsIChatClient().AsBuilder().UseOpenTelemetry().Build();
        var provider = chat.GetService<ChatClientMetadata>()?.ProviderName ?? "openai";
        return new LanguageModel(chat, connection.Model!, provider, IsPersona: false);
    }
}
