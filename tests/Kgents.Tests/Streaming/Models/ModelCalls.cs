using Kgents.Streaming.Models;
using Kgents.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kgents.Tests.Streaming.Models;

/// <summary>Models as the worker has them, the real package of each provider over a real socket to the scripted server.</summary>
internal static class ModelCalls
{
    public static readonly string[] Providers = ["openai", "anthropic", "ollama"];

    public static LanguageModels Connect(this ScriptedModelServer server, string provider, ModelOptions? options = null, TimeProvider? time = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:llm", server.ConnectionStringOf(provider))]).Build();
        return LanguageModels.Connect(ModelConnection.Find(configuration), options ?? new ModelOptions { MaxRetries = 0 }, withTelemetry: true, time ?? TimeProvider.System, NullLogger<RetryingChatClient>.Instance);
    }

    public static IAsyncEnumerable<ChatResponseUpdate> AskAsync(this LanguageModel model, CancellationToken cancellationToken) => model.Client.GetStreamingResponseAsync(
        [new ChatMessage(ChatRole.System, "You are K-gent."), new ChatMessage(ChatRole.User, "well?")], new ChatOptions { Temperature = 0.5f }, cancellationToken);

    /// <summary>All text of an answer, or of what came before the fault.</summary>
    public static async Task<(string Text, ModelException? Fault)> ReadAsync(this LanguageModel model)
    {
        var text = "";
        try
        {
            await foreach (var update in model.AskAsync(TestContext.Current.CancellationToken))
            {
                text += update.Text;
            }

            return (text, null);
        }
        catch (ModelException fault)
        {
            return (text, fault);
        }
    }
}
