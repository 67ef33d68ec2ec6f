using System.ClientModel;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.Streaming.Flux;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Usage;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Turns;

/// <summary>Runs the model for a turn, up to and with the commit; after the commit nobody runs it again.</summary>
internal sealed partial class TurnRunner(
    LanguageModel model, SessionHistory history, TokenPump pump, CancelMarks cancels, IOptions<TurnOptions> options, TimeProvider time, ILogger<TurnRunner> logger)
{
    /// <summary>Appends who answers, all that it says, and the commit.</summary>
    /// <param name="cancelled">Cancelled when the worker is told that the turn is.</param>
    public async Task<(TurnCommitted Commit, string Text)> RunAsync(
        QueuedTurn turn, int attempt, TurnLog log, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        // Before the first append: a read that fails costs no attempt.
        var past = await history.ReadAsync(turn.Address.Tenant, turn.Address.Session, turn.Before, cancellationToken);
        await log.AppendAsync(
            attempt == 1 ? new TurnAccepted(turn.Address.Turn, attempt, model.Name) : new TurnRestarted(attempt), cancellationToken);

        var started = time.GetTimestamp();
        var flux = new KgentFlux(model.Client);
        var input = new FluxTurn(turn.Message.Mode, past, turn.Message.Text);

        // The mark is read after the worker can be told of it, so one that was set before is seen here, and one that is set later is heard; and
        // once more before the commit, in case the telling was lost.
        var reply = await cancels.IsSetAsync(turn.Address, cancellationToken)
            ? PumpedReply.NeverAsked
            : await pump.RelayAsync(token => flux.RespondAsync(input, token), log, model.IsPersona ? 1 : options.Value.BufferedPieces, cancelled, cancellationToken);
        reply = reply with { Cancelled = reply.Cancelled || await cancels.IsSetAsync(turn.Address, cancellationToken) };
        var call = Describe(turn.Address, attempt, reply, time.GetElapsedTime(started));

        var status = reply.Cancelled ? TurnStatus.Cancelled : ErrorCode(reply) is null ? TurnStatus.Completed : TurnStatus.Failed;
        var commit = Commit(turn.Address, attempt, call, reply.Text, reply.Chunks, status, ErrorCode(reply));
        await log.AppendAsync(commit, cancellationToken);
        return (commit, reply.Text);
    }

    /// <summary>Ends a turn that is not to run (again): what there is of an answer is kept, and nothing is billed.</summary>
    public async Task<(TurnCommitted Commit, string Text)> GiveUpAsync(TurnAddress turn, TurnLogState state, string errorCode, TurnLog log, CancellationToken cancellationToken)
    {
        LogGivenUp(turn.Turn, errorCode, state.Begun);
        var call = state.Begun == 0 ? null : NotDelivered(turn, state.Begun, ModelCall.Interrupted, TimeSpan.Zero);
        var commit = Commit(turn, state.Begun, call, state.Text, state.Chunks, TurnStatus.Failed, errorCode);
        await log.AppendAsync(commit, cancellationToken);
        return (commit, state.Text);
    }

    private ModelCall Describe(TurnAddress turn, int attempt, PumpedReply reply, TimeSpan duration)
    {
        if (reply.Fault is { } fault)
        {
            // The text of a provider's error may quote the prompt: it stays out of the log.
            LogModelFailed(turn.Turn, model.Name, fault is ClientResultException { Status: > 0 and var status } ? $"HTTP {status}" : fault.GetType().Name);
            return NotDelivered(turn, attempt, ModelCall.UpstreamError, duration);
        }

        if (reply.TooLong)
        {
            return NotDelivered(turn, attempt, TurnErrorCodes.ReplyTooLong, duration);
        }

        // A model that is let go in the middle reports nothing; one that was done when the cancel came has reported all that it said.
        var used = model.IsPersona || reply.Metadata?.Usage is not { } usage ? null : TokenBuckets.From(usage);
        if (used is null && !model.IsPersona && !reply.Cancelled)
        {
            LogNotCounted(turn.Turn, model.Name);
        }

        return new ModelCall(turn, attempt, model.Name, reply.Metadata?.ModelServed ?? model.Name, model.Provider, reply.Cancelled ? ModelCall.ClientCancelled : ModelCall.Completed, used, duration);
    }

    private ModelCall NotDelivered(TurnAddress turn, int attempt, string outcome, TimeSpan duration) =>
        new(turn, attempt, model.Name, model.Name, model.Provider, outcome, Used: null, duration);

    private TurnCommitted Commit(TurnAddress turn, int attempt, ModelCall? call, string text, int chunks, TurnStatus status, string? errorCode)
    {
        var now = time.GetUtcNow();
        var dead = Enumerable.Range(1, Math.Max(attempt - 1, 0)).Select(earlier => NotDelivered(turn, earlier, ModelCall.Interrupted, TimeSpan.Zero));
        var calls = call is null ? dead : dead.Append(call);
        return new TurnCommitted(
            status,
            errorCode,
            turn.Turn.AssistantMessageId,
            HashOf(text),
            chunks,
            attempt,
            model.Name,
            call is { IsBillable: true, Used: { } used } ? new TokenCounts(used.Input, used.Output, TokenCounts.Reported) : TokenCounts.None,
            now,
            [.. calls.Select(each => UsageEvents.Create(each, now))]);
    }

    internal static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string? ErrorCode(PumpedReply reply) =>
        reply.Cancelled ? null : reply.Fault is not null ? TurnErrorCodes.ModelUnavailable : reply.TooLong ? TurnErrorCodes.ReplyTooLong : null;

    [LoggerMessage(LogLevel.Warning, "Turn {Turn}: model {Model} failed ({Fault}).")]
    private partial void LogModelFailed(TurnId turn, string model, string fault);

    [LoggerMessage(LogLevel.Warning, "Turn {Turn}: model {Model} reported no usage; the turn is not billed.")]
    private partial void LogNotCounted(TurnId turn, string model);

    [LoggerMessage(LogLevel.Warning, "Turn {Turn} ends {ErrorCode} after {Attempts} attempts.")]
    private partial void LogGivenUp(TurnId turn, string errorCode, int attempts);
}
