using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;
using OllamaSharp.Models.Chat;

namespace Kgents.Streaming.Usage;

/// <summary>
/// What a provider has reported of one call so far. Every report is cumulative, so the last one counts. Anthropic's are read as they come on its
/// wire: the first tells the input, before the first token, and its buckets are disjoint, where other providers count cached within input.
/// </summary>
internal sealed class ReportedUsage
{
    private long? anthropicInput;
    private long? anthropicCacheRead;
    private long? anthropicCacheWrite;
    private bool isAnthropic;

    /// <summary>Null when nothing was reported. Zeros were.</summary>
    public TokenBuckets? Buckets { get; private set; }

    public void Observe(ChatResponseUpdate update)
    {
        if (update.RawRepresentation is ChatDoneResponseStream { EvalCount: 0 })
        {
            // Ollama's client makes a 0 of a count that is not there, and a model that said something made more than that.
            return;
        }

        switch ((update.RawRepresentation as RawMessageStreamEvent)?.Value)
        {
            case RawMessageStartEvent { Message.Usage: { } usage }:
                ObserveAnthropic(usage.InputTokens, usage.CacheReadInputTokens, usage.CacheCreationInputTokens, usage.OutputTokens, usage.OutputTokensDetails?.ThinkingTokens);
                break;
            case RawMessageDeltaEvent { Usage: { } usage }:
                ObserveAnthropic(usage.InputTokens, usage.CacheReadInputTokens, usage.CacheCreationInputTokens, usage.OutputTokens, usage.OutputTokensDetails?.ThinkingTokens);
                break;
            default:
                if (!isAnthropic && update.Contents.OfType<UsageContent>().LastOrDefault() is { } content)
                {
                    Buckets = TokenBuckets.From(content.Details);
                }

                break;
        }
    }

    /// <summary>What a later report leaves out is as it was.</summary>
    private void ObserveAnthropic(long? input, long? cacheRead, long? cacheWrite, long output, long? thinking)
    {
        isAnthropic = true;
        anthropicInput = input ?? anthropicInput;
        anthropicCacheRead = cacheRead ?? anthropicCacheRead;
        anthropicCacheWrite = cacheWrite ?? anthropicCacheWrite;
        var reasoning = Math.Min(AtLeastZero(thinking), AtLeastZero(output));
        Buckets = new TokenBuckets(AtLeastZero(anthropicInput), AtLeastZero(anthropicCacheRead), AtLeastZero(anthropicCacheWrite), AtLeastZero(output) - reasoning, reasoning);
    }

    private static long AtLeastZero(long? count) => Math.Max(count ?? 0, 0);
}
