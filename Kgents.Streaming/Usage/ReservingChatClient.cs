using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Streaming.Models;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Usage;

/// <summary>
/// Reserves what a call may use before it is made: its prompt, counted here, and an answer of the length that was asked for, or of as much as the month still has. The model is
/// told that length; one that does not keep to it is let go there, since what is left of the month is all that it may use.
/// </summary>
internal sealed class ReservingChatClient(CallMeter meter, TurnAddress turn, long tokensPerMonth, TenantQuota quota, TokenCounter counter) : DelegatingChatClient(meter)
{
    /// <summary>The month had less than what was asked for: an answer that reaches its length ended there because of the quota.</summary>
    public bool IsShortened { get; private set; }

    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatMessage[] prompt = [.. messages];
        var model = meter.Model;
        var input = counter.Count(model.Name, string.Join('\n', prompt.Select(message => message.Text)));
        var asked = Math.Min(options?.MaxOutputTokens ?? int.MaxValue, model.MaxOutputTokens);
        if (await quota.ReserveAsync(turn, input + 1, input + asked, tokensPerMonth, turns: 0, cancellationToken) is not QuotaAnswer.Granted granted)
        {
            throw new ModelException(TurnErrorCodes.QuotaExceeded, "the tenant's tokens of the month are used up or held by other turns");
        }

        IsShortened = granted.Tokens < input + asked;
        var limited = options?.Clone() ?? new ChatOptions();
        limited.MaxOutputTokens = (int)(granted.Tokens - input);
        var bound = IsShortened ? new OutputBound(counter, model.Name, limited.MaxOutputTokens.Value) : null;
        await foreach (var update in base.GetStreamingResponseAsync(prompt, limited, cancellationToken))
        {
            if (bound is not null && update.Text is { Length: > 0 } text && bound.Admit(text) is var admitted && admitted.Length < text.Length)
            {
                // As a model ends that keeps to its length.
                meter.Cut();
                yield return new ChatResponseUpdate(update.Role, admitted) { FinishReason = ChatFinishReason.Length };
                yield break;
            }

            yield return update;
        }
    }
}
