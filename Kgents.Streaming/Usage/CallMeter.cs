using System.Runtime.CompilerServices;
using System.Text;
using Kgents.Streaming.Models;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Usage;

/// <summary>A turn's way to its model. It sees what was asked and what the provider reported, also of a call that is let go in the middle.</summary>
internal sealed class CallMeter(LanguageModel model) : DelegatingChatClient(model.Client)
{
    private readonly ReportedUsage reported = new();
    private readonly StringBuilder received = new();
    private IReadOnlyList<ChatMessage>? prompt;

    public LanguageModel Model => model;

    /// <summary>False for an answer that needed no model.</summary>
    public bool WasAsked => prompt is not null;

    /// <summary>Null when nothing was reported so far.</summary>
    public TokenBuckets? Reported => reported.Buckets;

    /// <summary>The call came to its end, so that what was reported is final.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>It was let go at the length that was reserved for it.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Who answered, as the provider says.</summary>
    public string? ModelServed { get; private set; }

    /// <summary>The most that the call can have made: what was asked for, and never more than the model's own.</summary>
    public int MaxOutputTokens { get; private set; } = model.MaxOutputTokens;

    /// <summary>All text that the model was given.</summary>
    public string PromptText => string.Join('\n', prompt?.Select(message => message.Text) ?? []);

    /// <summary>All text that the model has said. Of a judgement a client sees only what was made of it.</summary>
    public string ReceivedText => received.ToString();

    /// <summary>Told by whoever lets the model go there.</summary>
    public void Cut() => IsCut = true;

    /// <summary>Every call is a stream, so that it fails and costs the same however its answer is taken.</summary>
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        prompt = [.. messages];
        MaxOutputTokens = Math.Min(options?.MaxOutputTokens ?? int.MaxValue, model.MaxOutputTokens);
        await foreach (var update in base.GetStreamingResponseAsync(prompt, options, cancellationToken))
        {
            ModelServed = update.ModelId ?? ModelServed;
            reported.Observe(update);
            received.Append(update.Text);
            yield return update;
        }

        IsComplete = true;
    }
}
