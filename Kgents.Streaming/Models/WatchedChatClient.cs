using System.ClientModel;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Anthropic.Exceptions;
using Kgents.Contracts;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Models;

/// <summary>
/// One call of a model: every way in which it can fail becomes a <see cref="ModelException"/>, also silence, an end in the middle and an empty
/// answer, which a provider's client takes for well.
/// </summary>
internal sealed class WatchedChatClient(IChatClient inner, TimeSpan idleTimeout, TimeProvider time) : DelegatingChatClient(inner)
{
    /// <exception cref="ModelException">The call failed.</exception>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        await using var updates = base.GetStreamingResponseAsync(messages, options, reading.Token).GetAsyncEnumerator(reading.Token);
        var (isFinished, isEmpty) = (false, true);
        while (await MoveNextAsync())
        {
            isFinished |= updates.Current.FinishReason is not null;
            isEmpty &= updates.Current.Text.Length == 0;
            yield return updates.Current;
        }

        // A connection that a proxy closes in the middle looks like an end; only the model can say that it was one.
        if (!isFinished)
        {
            throw new ModelException(TurnErrorCodes.ModelBrokeOff, "no finish reason");
        }

        if (isEmpty)
        {
            throw new ModelException(TurnErrorCodes.ModelEmpty, "no text");
        }

        async ValueTask<bool> MoveNextAsync()
        {
            silence.CancelAfter(idleTimeout);
            try
            {
                var isThere = await updates.MoveNextAsync();
                if (!isThere)
                {
                    // A client may take the end of its token for the end of the stream.
                    reading.Token.ThrowIfCancellationRequested();
                }

                return isThere;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                // Some clients say it by what their cut connection throws.
                throw new OperationCanceledException(cancellationToken);
            }
            catch (Exception) when (silence.IsCancellationRequested)
            {
                throw new ModelException(TurnErrorCodes.ModelStalled, $"silent for {idleTimeout}");
            }
            catch (Exception exception) when (exception is not ModelException)
            {
                throw new ModelException(CodeOf(exception), exception.GetType().Name);
            }
            finally
            {
                // Who listens may take its time; only the model's is counted.
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static string CodeOf(Exception exception) => exception switch
    {
        AnthropicSseException overloaded when overloaded.Type?.Raw() == "overloaded_error" => TurnErrorCodes.ModelUnavailable,
        AnthropicSseException limited when limited.Type?.Raw() == "rate_limit_error" => TurnErrorCodes.ModelRateLimited,
        AnthropicSseException or AnthropicIOException or HttpRequestException or IOException or ClientResultException => TurnErrorCodes.ModelBrokeOff,
        JsonException or InvalidDataException or AnthropicInvalidDataException or InvalidOperationException or FormatException => TurnErrorCodes.ModelUnreadable,
        _ => TurnErrorCodes.ModelUnavailable,
    };
}
