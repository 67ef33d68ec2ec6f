using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.ServiceDefaults.Telemetry;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Telemetry;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Decides what a delivered message asks for, from the chain of its session and the log of its turn: run, take over, finish, wait, or nothing.
/// </summary>
internal sealed partial class TurnProcessor(
    SessionChain chain,
    TurnControl control,
    TurnInterrupter interrupter,
    TurnRunner runner,
    TurnFinisher finisher,
    TurnCloser closer,
    DeadLetters deadLetters,
    ProgressKeeper progress,
    JetStreamReader reader,
    FencedPublisher publisher,
    TurnMetrics metrics,
    IOptions<TurnOptions> options,
    TimeProvider time,
    ILogger<TurnProcessor> logger)
{
    /// <summary>The longest pause between two turns of a session, and how often a turn that waits costs a look at its session.</summary>
    private static readonly TimeSpan NotYet = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan HandOverTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Ends in exactly one of ack, nak and silence; silence means that the message comes again after the ack wait. Never throws.</summary>
    public async Task ProcessAsync(INatsJSMsg<byte[]> message, CancellationToken abandoned)
    {
        try
        {
            await using var keeping = progress.Keep(message);
            switch (await HandleAsync(message, abandoned))
            {
                case Disposition.Done:
                    await message.AckAsync(new AckOpts { DoubleAck = true }, abandoned);
                    break;
                case Disposition.NotYet:
                    await message.NakAsync(delay: NotYet, cancellationToken: abandoned);
                    break;
                case Disposition.HeldByAnother:
                    break;
            }
        }
        catch (FenceLostException exception)
        {
            // Another worker has the message now: an ack, nak or progress of ours would still count, so there is none.
            LogFenceLost(exception.Message);
        }
        catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
        {
            await HandOverAsync(message);
        }
        catch (Exception exception)
        {
            LogFailed(message.Subject, exception);
        }
    }

    private async Task<Disposition> HandleAsync(INatsJSMsg<byte[]> delivered, CancellationToken cancellationToken)
    {
        var sequence = delivered.Metadata!.Value.Sequence.Stream;
        if (!Subjects.TryParseUserMessage(delivered.Subject, out var tenant, out var session))
        {
            await deadLetters.KeepAsync(TenantId.Parse("unknown"), delivered, "its subject is not one of Kgents", cancellationToken);
            return Disposition.Done;
        }

        var end = await chain.EndAsync(tenant, session, cancellationToken);
        if (UserMessages.TryRead(delivered.Data) is not { } message)
        {
            return await EndUnreadableAsync(delivered, tenant, session, end, sequence, cancellationToken);
        }

        var address = new TurnAddress(tenant, session, message.Turn);
        return (message.N - end.N) switch
        {
            1 => await ContinueAsync(Queued(delivered, address, message, end), await ExpiredAsync(address, delivered.Metadata.Value, cancellationToken), cancellationToken),
            > 1 => await WaitAsync(address, message, sequence, end, cancellationToken),
            _ => await EndAnsweredAsync(address, end, cancellationToken),
        };
    }

    /// <summary>Turns of the session come before this one.</summary>
    private async Task<Disposition> WaitAsync(TurnAddress turn, UserMessage message, ulong sequence, ChainEnd end, CancellationToken cancellationToken)
    {
        if (message.Interrupts)
        {
            await interrupter.InterruptBeforeAsync(turn.Tenant, turn.Session, end, sequence, cancellationToken);
        }

        return Disposition.NotYet;
    }

    /// <summary>The turn is next in its session. What became of it so far stands in its log.</summary>
    private async Task<Disposition> ContinueAsync(QueuedTurn turn, string? giveUpWith, CancellationToken cancellationToken)
    {
        var state = await TurnLogState.ReadAsync(reader, turn.Address, cancellationToken);
        if (!state.IsEmpty && state.Commit is null && await control.IsRunningAsync(turn.Address, cancellationToken))
        {
            return Disposition.HeldByAnother;
        }

        using var span = TurnSpans.Start(turn, state.Begun + 1);
        metrics.Began(state.Begun + 1, time.GetUtcNow() - turn.StoredAt);
        var since = time.GetTimestamp();
        try
        {
            var commit = await AttemptAsync(turn, state, giveUpWith, cancellationToken);
            TurnSpans.End(span, commit);
            metrics.Ended(commit.Status, commit.ErrorCode, time.GetElapsedTime(since));
            return Disposition.Done;
        }
        catch (Exception exception)
        {
            TurnSpans.Break(span, exception);
            throw;
        }
        finally
        {
            metrics.Left();
        }
    }

    /// <summary>Brings the turn to its end, and returns what was committed.</summary>
    private async Task<TurnCommitted> AttemptAsync(QueuedTurn turn, TurnLogState state, string? giveUpWith, CancellationToken cancellationToken)
    {
        await using var answering = await control.AnswerAsync(turn.Address, cancellationToken);
        var log = new TurnLog(publisher, turn.Address, state.LastSequence);
        giveUpWith ??= state.Unreadable is not null ? TurnErrorCodes.UnreadableLog
            : state.FailedAttempts >= options.Value.MaxAttempts ? TurnErrorCodes.Interrupted
            : !runner.CanRun(turn.Message) ? TurnErrorCodes.ModelNotAllowed
            : null;
        if (state.Commit is not null || giveUpWith is not null)
        {
            return await closer.CloseAsync(turn, state, log, TurnEnd.Failed(giveUpWith ?? TurnErrorCodes.Interrupted), cancellationToken);
        }

        var (commit, text) = await RunAsync(turn, state, log, answering.Cancelled, cancellationToken);
        await finisher.FinishAsync(turn, commit, text, log, isEnded: false, cancellationToken);
        return commit;
    }

    private static QueuedTurn Queued(INatsJSMsg<byte[]> delivered, TurnAddress address, UserMessage message, ChainEnd end) =>
        new(address, message, delivered.Metadata!.Value.Sequence.Stream, end) { Trace = MessageSpans.Extract(delivered.Headers), StoredAt = delivered.Metadata.Value.Timestamp };

    private async Task<(TurnCommitted Commit, string Text)> RunAsync(
        QueuedTurn turn, TurnLogState state, TurnLog log, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        try
        {
            return await runner.RunAsync(turn, state.Begun + 1, log, cancelled, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && log.LastSequence > state.LastSequence && !log.MayBeCommitted)
        {
            await SayHandedOverAsync(log);
            throw;
        }
    }

    /// <summary>The error of a turn that waited too long and that nobody has begun.</summary>
    private async Task<string?> ExpiredAsync(TurnAddress turn, NatsJSMsgMetadata delivery, CancellationToken cancellationToken) =>
        time.GetUtcNow() - delivery.Timestamp > options.Value.MaxQueueAge
            && await reader.LastAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cancellationToken) is null ? TurnErrorCodes.Expired : null;

    /// <summary>The turn has its answer. If its worker died just then, the log still lacks its end; if the answer cannot be read, there may never have been a worker.</summary>
    private async Task<Disposition> EndAnsweredAsync(TurnAddress turn, ChainEnd end, CancellationToken cancellationToken)
    {
        var isUnreadable = end.Answer is { ErrorCode: TurnErrorCodes.UnreadableAnswer } answer && answer.Turn == turn.Turn;
        await closer.EndLogAsync(turn, isUnreadable ? TurnErrorCodes.UnreadableAnswer : null, cancellationToken);
        return Disposition.Done;
    }

    /// <summary>A message that nobody can read must not keep its session busy: it becomes a dead letter, and its turn ends with an error.</summary>
    private async Task<Disposition> EndUnreadableAsync(
        INatsJSMsg<byte[]> delivered, TenantId tenant, SessionId session, ChainEnd end, ulong sequence, CancellationToken cancellationToken)
    {
        if (sequence <= end.UserSequence)
        {
            return Disposition.Done;
        }

        if (!await chain.IsNextAsync(tenant, session, end, sequence, cancellationToken))
        {
            return Disposition.NotYet;
        }

        await deadLetters.KeepAsync(tenant, delivered, "it is not a user message", cancellationToken);
        var message = UserMessages.StandIn(delivered.Data, sequence, end.N + 1, time.GetUtcNow());
        return await ContinueAsync(Queued(delivered, new TurnAddress(tenant, session, message.Turn), message, end), TurnErrorCodes.UnreadableMessage, cancellationToken);
    }

    /// <summary>So that the next worker does not take this one for dead. If it cannot be said, the turn has one attempt less.</summary>
    private async Task SayHandedOverAsync(TurnLog log)
    {
        using var timeout = new CancellationTokenSource(HandOverTimeout, time);
        try
        {
            await log.AppendAsync(new TurnHandedOver(), timeout.Token);
        }
        catch (Exception exception) when (exception is FenceLostException or OperationCanceledException or NatsException)
        {
            LogFenceLost(exception.Message);
        }
    }

    /// <summary>The process stops: another worker may begin at once, or, if NATS does not hear this, after the ack wait.</summary>
    private async Task HandOverAsync(INatsJSMsg<byte[]> message)
    {
        using var timeout = new CancellationTokenSource(HandOverTimeout, time);
        try
        {
            // Answered, so that it does not die with the connection, which closes next.
            await message.NakAsync(new AckOpts { DoubleAck = true }, cancellationToken: timeout.Token);
        }
        catch (Exception exception) when (exception is NatsException or OperationCanceledException)
        {
            LogNotHandedOver(message.Subject);
        }
    }

    private enum Disposition
    {
        Done,
        NotYet,
        HeldByAnother,
    }

    [LoggerMessage(LogLevel.Information, "Stopped work on a turn: {Reason}")]
    private partial void LogFenceLost(string reason);

    [LoggerMessage(LogLevel.Warning, "Work on {Subject} could not be handed over; it comes again after the ack wait.")]
    private partial void LogNotHandedOver(string subject);

    [LoggerMessage(LogLevel.Error, "Work on {Subject} failed; it comes again.")]
    private partial void LogFailed(string subject, Exception exception);
}
