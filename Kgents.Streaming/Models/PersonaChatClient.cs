using Kgents.Contracts;
using Kgents.Flux;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Models;

/// <summary>
/// The built-in persona: K-gent without a language model. It answers from templates, says so, costs nothing and reports no usage. Its name is in
/// every response, so that nobody takes it for a language model.
/// </summary>
internal sealed class PersonaChatClient : IChatClient
{
    public const string ModelName = Soul.TemplateModel;

    private const string Signature = "\n\n(This is the built-in persona: templates, not a language model.)";

    private static readonly ChatClientMetadata Metadata = new("kgents", defaultModelId: ModelName);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, Answer(messages, options))) { ModelId = ModelName, FinishReason = ChatFinishReason.Stop });

    /// <summary>A word at a time, each with the white space before it, as fast as whoever listens takes them.</summary>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Words(Answer(messages, options)).Select(word => new ChatResponseUpdate(ChatRole.Assistant, word) { ModelId = ModelName })
            .Append(new ChatResponseUpdate(ChatRole.Assistant, []) { ModelId = ModelName, FinishReason = ChatFinishReason.Stop })
            .ToAsyncEnumerable();

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? Metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static string Answer(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var mode = options?.AdditionalProperties?.TryGetValue(Soul.ModeProperty, out string? value) == true ? value : null;
        var message = messages.Last().Text;
        return (Templates.Find(mode ?? DialogueModes.Reflect, message) ?? Templates.Question(mode ?? DialogueModes.Reflect)) + Signature;
    }

    private static IEnumerable<string> Words(string text)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            while (end < text.Length && !char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            yield return text[start..end];
            start = end;
        }
    }
}
