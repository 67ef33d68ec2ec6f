using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OllamaSharp.Models;
using OpenAI;

namespace Kgents.Streaming.Models;

/// <summary>Each provider's own client, over <see cref="ModelTransport"/>, without the retries and timeouts of its own.</summary>
internal static class ProviderClients
{
    public static IChatClient Connect(ModelConnection connection, string model, TimeProvider time) => connection.Provider switch
    {
        ModelConnection.Anthropic => Anthropic(connection, model, time),
        ModelConnection.Ollama => Ollama(connection, model, time),
        _ => OpenAI(connection, model, time),
    };

    private static IChatClient OpenAI(ModelConnection connection, string model, TimeProvider time)
    {
        // Servers without keys (llama.cpp, vLLM) ignore it, but the client wants one.
        var client = new OpenAIClient(new ApiKeyCredential(connection.Key ?? "none"), new OpenAIClientOptions
        {
            Endpoint = connection.Endpoint,
            Transport = new HttpClientPipelineTransport(ModelTransport.NewClient(time)),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        });
        return client.GetChatClient(model).AsIChatClient();
    }

    private static IChatClient Anthropic(ModelConnection connection, string model, TimeProvider time)
    {
        // Key and token are set even when there is none, so that the client takes no other from the environment.
        var client = new AnthropicClient
        {
            HttpClient = ModelTransport.NewClient(time),
            BaseUrl = connection.Endpoint.ToString().TrimEnd('/'),
            ApiKey = connection.Key ?? "none",
            AuthToken = null,
            MaxRetries = 0,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        return client.AsIChatClient(model);
    }

    private static OllamaConnection Ollama(ModelConnection connection, string model, TimeProvider time)
    {
        var client = ModelTransport.NewClient(time, new Uri(connection.Endpoint.ToString().TrimEnd('/') + "/"));
        var ollama = new OllamaConnection(client, model);
        if (connection.Key is { } key)
        {
            // Ollama itself has no keys; a proxy before it may.
            ollama.DefaultRequestHeaders["Authorization"] = $"Bearer {key}";
        }

        return ollama;
    }

    /// <summary>The client reads lines without the token of the call, so a cancel has to close the connection under it.</summary>
    private sealed class OllamaConnection(HttpClient client, string model) : OllamaApiClient(client, model)
    {
        protected override async Task<HttpResponseMessage> SendToOllamaAsync(
            HttpRequestMessage requestMessage, OllamaRequest? ollamaRequest, HttpCompletionOption completionOption, CancellationToken cancellationToken)
        {
            var response = await base.SendToOllamaAsync(requestMessage, ollamaRequest, completionOption, cancellationToken);
            cancellationToken.UnsafeRegister(static state => ((HttpResponseMessage)state!).Dispose(), response);
            return response;
        }
    }
}
