using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Flux;

/// <summary>K-gent: a message and its history in, a stream of text out. It knows no queue, no HTTP and no tenant.</summary>
public sealed class KgentFlux(IChatClient model)
{
    /// <summary>Name under which the mode reaches a chat client that is not a language model.</summary>
    public const string ModeProperty = "kgent_mode";

    /// <summary>Each piece leaves as it comes. A fault of the model is the caller's to name: it is thrown, never turned into text.</summary>
    /// <exception cref="IOException">The model's stream ended before the model did.</exception>
    public async IAsyncEnumerable<FluxEvent> RespondAsync(FluxTurn turn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stance = Stance.For(turn.Mode);
        var options = new ChatOptions
        {
            Temperature = stance.Temperature,
            AdditionalProperties = new AdditionalPropertiesDictionary { [ModeProperty] = turn.Mode },
        };

        UsageDetails? usage = null;
        ChatFinishReason? finished = null;
        string? served = null;
        await foreach (var update in model.GetStreamingResponseAsync(Prompt(stance, turn), options, cancellationToken))
        {
            served = update.ModelId ?? served;
            finished = update.FinishReason ?? finished;
            foreach (var content in update.Contents)
            {
                switch (content)
                {
                    case TextContent { Text.Length: > 0 } text:
                        yield return new FluxText(text.Text);
                        break;
                    case UsageContent { Details: var details }:
                        // Some providers repeat their counts, each time cumulative: the last one counts.
                        usage = details;
                        break;
                }
            }
        }

        if (finished is null && usage is null)
        {
            // A connection that a proxy closes in the middle looks like an end; only the model can say that it was one.
            throw new IOException("The model's stream ended without a finish reason.");
        }

        yield return new FluxMetadata(usage, served);
    }

    private static IEnumerable<ChatMessage> Prompt(Stance stance, FluxTurn turn) =>
    [
        new ChatMessage(ChatRole.System, stance.Instructions),
        .. turn.History.Select(message => new ChatMessage(message.FromUser ? ChatRole.User : ChatRole.Assistant, message.Text)),
        new ChatMessage(ChatRole.User, turn.Message),
    ];
}
