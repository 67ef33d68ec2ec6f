using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Polly;
using Polly.Retry;

namespace Kgents.Streaming.Models;

/// <summary>
/// Calls the model again when a call fails before its first token; after it nothing can be taken back. The providers' own clients do not retry, so
/// this is all there is.
/// </summary>
internal sealed partial class RetryingChatClient : DelegatingChatClient
{
    /// <summary>Updates without a token that are kept back; a model that sends more of them is taken to have begun.</summary>
    private const int MostHeld = 64;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);

    private readonly ResiliencePipeline retries;
    private readonly ILogger logger;
    private readonly string model;

    public RetryingChatClient(IChatClient inner, string model, ModelOptions options, TimeProvider time, ILogger logger)
        : base(inner)
    {
        this.model = model;
        this.logger = logger;
        retries = options.MaxRetries == 0 ? ResiliencePipeline.Empty : new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(Strategy(options)).Build();
    }

    /// <summary>Every call is a stream: there is one way for it to fail, and one to watch it.</summary>
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (begun, rest) = await retries.ExecuteAsync(token => BeginAsync(messages, options, token), cancellationToken);
        await using (rest)
        {
            foreach (var update in begun)
            {
                yield return update;
            }

            while (await rest.MoveNextAsync())
            {
                yield return rest.Current;
            }
        }
    }

    /// <summary>Calls the model and waits for its first token, or its end.</summary>
    private async ValueTask<(List<ChatResponseUpdate> Begun, IAsyncEnumerator<ChatResponseUpdate> Following)> BeginAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        var begun = new List<ChatResponseUpdate>();
        var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (begun.Count < MostHeld && await updates.MoveNextAsync())
            {
                begun.Add(updates.Current);
                if (updates.Current.FinishReason is not null || updates.Current.Contents.Any(IsToken))
                {
                    break;
                }
            }

            return (begun, updates);
        }
        catch
        {
            await updates.DisposeAsync();
            throw;
        }
    }

    private static bool IsToken(AIContent content) => content is TextContent { Text.Length: > 0 } or TextReasoningContent { Text.Length: > 0 };

    private RetryStrategyOptions Strategy(ModelOptions options) => new()
    {
        ShouldHandle = new PredicateBuilder().Handle<ModelException>(fault => fault.IsPassing && (fault.RetryAfter ?? TimeSpan.Zero) <= options.MaxRetryDelay),
        MaxRetryAttempts = options.MaxRetries,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = FirstDelay,
        MaxDelay = options.MaxRetryDelay,
        DelayGenerator = retry => ValueTask.FromResult((retry.Outcome.Exception as ModelException)?.RetryAfter),
        OnRetry = retry =>
        {
            LogRetrying(model, (retry.Outcome.Exception as ModelException)?.Cause, retry.RetryDelay);
            return ValueTask.CompletedTask;
        },
    };

    [LoggerMessage(LogLevel.Warning, "Model {Model} failed before its first token ({Cause}); called again in {Delay}.")]
    private partial void LogRetrying(string model, string? cause, TimeSpan delay);
}
