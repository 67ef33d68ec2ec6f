using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Kgents.Tests.Flux;

/// <summary>A model at the edge of the flux: it says what a test wants, a word at a time, and keeps what it was asked.</summary>
internal sealed class SpeakingModel(Func<string, string> answer) : IChatClient
{
    /// <summary>To this the model says nothing, until it is let go.</summary>
    public const string Silence = "say nothing";

    /// <summary>To this it fails.</summary>
    public const string Failure = "fail";

    private readonly TaskCompletionSource letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SpeakingModel()
        : this(message => $"You said: {message}")
    {
    }

    public ConcurrentQueue<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> Asked { get; } = new();

    /// <summary>Completes when a caller left while the model was silent.</summary>
    public Task LetGo => letGo.Task;

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        Asked.Enqueue((asked, options));
        var text = asked[^1].Text;
        if (text == Failure)
        {
            throw new InvalidDataException("a secret of the provider");
        }

        if (text == Silence)
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            finally
            {
                letGo.TrySetResult();
            }
        }

        foreach (var (index, word) in answer(text).Split(' ').Index())
        {
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, index == 0 ? word : " " + word) { ModelId = "speaking-1" };
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 })]) { FinishReason = ChatFinishReason.Stop };
    }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
