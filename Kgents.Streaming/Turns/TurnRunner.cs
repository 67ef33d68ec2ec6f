using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Streaming.Governance;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Telemetry;
using Kgents.Streaming.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Turns;

/// <summary>Runs the model for a turn, up to and with the commit; after the commit nobody runs it again.</summary>
internal sealed partial class TurnRunner(
    LanguageModels models, SessionHistory history, TokenPump pump, CancelMarks cancels, UsageAccount usage, TokenCounter counter, TenantQuota quota, TurnMetrics metrics, ModelHealth health, IOptions<TurnOptions> options, TimeProvider time, ILogger<TurnRunner> logger)
{
    /// <summary>False when the model that the message asks for is not offered any more.</summary>
    public bool CanRun(UserMessage message) => models.Find(message.Model) is not null;

    /// <summary>Appends who answers, all that it says, and the commit.</summary>
    /// <param name="cancelled">Cancelled when the worker is told that the turn is.</param>
    public async Task<(TurnCommitted Commit, string Text)> RunAsync(
        QueuedTurn turn, int attempt, TurnLog log, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        // Before the first append: a read that fails costs no attempt.
        var past = await history.ReadAsync(turn.Address.Tenant, turn.Address.Session, turn.Before, cancellationToken);
        var offered = models.Find(turn.Message.Model)!;
        var message = SoulTurn.For(turn.Message, offered);
        var model = SoulTurn.NeedsModel(message) ? offered : LanguageModel.Persona;
        await log.AppendAsync(
            attempt == 1 ? new TurnAccepted(turn.Address.Turn, attempt, model.Name) : new TurnRestarted(attempt), cancellationToken);

        var started = time.GetTimestamp();
        var meter = new CallMeter(model);
        var reserving = message.TokenQuota is { } tokens && !model.IsPersona ? new ReservingChatClient(meter, turn.Address, tokens, quota, counter) : null;
        await using var soul = new SoulTurn(message, past, reserving ?? (IChatClient)meter, time);

        // The mark is read after the worker can be told of it, so one that was set before is seen here, and one that is set later is heard; and
        // once more before the commit, in case the telling was lost.
        var reply = await cancels.IsSetAsync(turn.Address, cancellationToken)
            ? PumpedReply.NeverAsked
            : await pump.RelayAsync(soul.RunAsync, log, model.IsPersona ? 1 : options.Value.BufferedPieces, model.IsPersona ? null : new RunningCount(meter, counter), cancelled, cancellationToken);
        reply = reply with { Cancelled = reply.Cancelled || await cancels.IsSetAsync(turn.Address, cancellationToken) };
        var call = Describe(turn.Address, attempt, meter, reply, time.GetElapsedTime(started));

        var errorCode = ErrorCode(reply) ?? (reserving is { IsShortened: true } && message.Kind is null && FinishReasonOf(reply) == FinishReasons.Length && !reply.Cancelled ? TurnErrorCodes.QuotaExceeded : null);
        var status = reply.Cancelled ? TurnStatus.Cancelled : errorCode is null ? TurnStatus.Completed : TurnStatus.Failed;
        var commit = Commit(turn, attempt, model, call, reply.Text, reply.Chunks, status, errorCode, time.GetElapsedTime(started)) with
        {
            FinishReason = status == TurnStatus.Completed ? FinishReasonOf(reply) : null,
            Decision = status == TurnStatus.Completed && message.Kind == MessageKinds.Governance ? Judgements.DecisionOf(message, reply.Text) : null,
        };
        await log.AppendAsync(commit, cancellationToken);
        metrics.Committed(commit);
        if (reply.FirstStored is { } first)
        {
            metrics.FirstToken(model.Name, time.GetElapsedTime(started, first));
        }

        return (commit, reply.Text);
    }

    /// <summary>Ends a turn that is not to run (again): what there is of an answer is kept, and nothing is billed.</summary>
    public async Task<TurnCommitted> GiveUpAsync(QueuedTurn queued, TurnLogState state, TurnEnd end, TurnLog log, CancellationToken cancellationToken)
    {
        var turn = queued.Address;
        var model = models.Find(queued.Message.Model) ?? models.Default with { Name = queued.Message.Model! };
        LogGivenUp(turn.Turn, end.ErrorCode ?? TurnEventCodec.Cancelled, state.Begun);
        var call = state.Begun == 0 ? null : Interrupted(turn, state.Begun, model);
        var commit = Commit(queued, state.Begun, model, call, state.Text, state.Chunks, end.Status, end.ErrorCode, TimeSpan.Zero);
        if (!state.HasTerminal)
        {
            await log.AppendAsync(commit, cancellationToken);
        }

        return commit;
    }

    /// <summary>Null for a call that was not made.</summary>
    private ModelCall? Describe(TurnAddress turn, int attempt, CallMeter meter, PumpedReply reply, TimeSpan duration)
    {
        var model = meter.Model;

        // A judgement says that the model failed, and is an answer all the same.
        var fault = reply.Fault ?? reply.Metadata?.Fault;
        if (fault is not null)
        {
            LogModelFailed(turn.Turn, model.Name, fault is ModelException named ? named.Message : fault.GetType().Name);
        }

        if (!model.IsPersona && !reply.Cancelled)
        {
            ReportHealth(model.Name, fault);
        }

        var end = fault is ModelException { Code: TurnErrorCodes.QuotaExceeded } ? CallEnd.NotMade
            : fault is not null ? CallEnd.Failed
            : reply.TooLong ? CallEnd.TooLong
            : reply.Cancelled ? CallEnd.Cancelled
            : CallEnd.Completed;
        return usage.Charge(meter, end, reply.Text) is { } charge
            ? new ModelCall(turn, attempt, model.Name, charge.Used is null ? model.Name : meter.ModelServed ?? model.Name, model.Provider, charge.Outcome, charge.Used, duration)
            : null;
    }

    /// <summary>A request that the model refuses for what is in it, and a call that was not made, say nothing of the model.</summary>
    private void ReportHealth(string model, Exception? fault)
    {
        if (fault is not ModelException named)
        {
            health.Report(model, fault?.GetType().Name);
        }
        else if (named.IsPassing || named.Code == TurnErrorCodes.ModelRefusedCredentials)
        {
            health.Report(model, named.Message);
        }
    }

    private static ModelCall Interrupted(TurnAddress turn, int attempt, LanguageModel model) =>
        new(turn, attempt, model.Name, model.Name, model.Provider, ChargeRules.Interrupted.Outcome, ChargeRules.Interrupted.Used, TimeSpan.Zero);

    private TurnCommitted Commit(QueuedTurn queued, int attempt, LanguageModel model, ModelCall? call, string text, int chunks, TurnStatus status, string? errorCode, TimeSpan duration)
    {
        var turn = queued.Address;
        var now = time.GetUtcNow();
        var dead = Enumerable.Range(1, Math.Max(attempt - 1, 0)).Select(earlier => Interrupted(turn, earlier, model));
        IReadOnlyList<ModelCall> calls = [.. call is null ? dead : dead.Append(call)];
        var commit = new TurnCommitted(
            status,
            errorCode,
            turn.Turn.AssistantMessageId,
            HashOf(text),
            chunks,
            attempt,
            model.Name,
            call is { IsBillable: true, Used: { } used } ? used.Tokens : TokenCounts.None,
            now,
            [.. calls.Select(each => UsageEvents.Create(each, queued.Message.KeyId, now))]);
        return commit with { UsageEvents = [.. commit.UsageEvents, UsageEvents.Create(queued, commit, calls.Count, duration)] };
    }

    private static string FinishReasonOf(PumpedReply reply) => reply.Metadata?.FinishReason switch
    {
        { } reason when reason == ChatFinishReason.Length => FinishReasons.Length,
        { } reason when reason == ChatFinishReason.ContentFilter => FinishReasons.ContentFilter,
        _ => FinishReasons.Stop,
    };

    internal static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string? ErrorCode(PumpedReply reply) =>
        reply.Cancelled ? null : reply.Fault is { } fault ? (fault as ModelException)?.Code ?? TurnErrorCodes.ModelUnavailable : reply.TooLong ? TurnErrorCodes.ReplyTooLong : null;

    [LoggerMessage(LogLevel.Warning, "Turn {Turn}: model {Model} failed ({Fault}).")]
    private partial void LogModelFailed(TurnId turn, string model, string fault);

    [LoggerMessage(LogLevel.Warning, "Turn {Turn} ends {ErrorCode} after {Attempts} attempts.")]
    private partial void LogGivenUp(TurnId turn, string errorCode, int attempts);
}
