using Kgents.Contracts;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Appends to a subject only if its last sequence is the expected one, and finds out what became of a publish whose answer was lost. The
/// server checks the fence before the message id, so a retry after a lost ack is refused like a stranger's write: only reading tells them apart.
/// </summary>
public sealed partial class FencedPublisher(INatsJSContext jetStream, JetStreamReader reader, NatsRoom room, NatsMetrics metrics, TimeProvider time, ILogger<FencedPublisher> logger)
{
    /// <summary>The two answers of a fence: the subject has moved on, or another write to it is under way.</summary>
    private const int WrongLastSequence = 10071;
    private const int SequenceInFlight = 10164;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);

    /// <summary>Publishes once, and the same bytes again for as long as it is certain that they are not stored. Ends by cancellation when NATS stays away.</summary>
    /// <param name="expectedLast">The sequence of the subject's last message; 0 for none.</param>
    /// <param name="isOurs">Tells this very message from another writer's.</param>
    /// <exception cref="NatsPayloadTooLargeException">The server takes no message of this size: no try can succeed.</exception>
    public async Task<FencedResult> AppendAsync(
        string stream,
        string subject,
        ReadOnlyMemory<byte> payload,
        IReadOnlyList<KeyValuePair<string, string>> headers,
        ulong expectedLast,
        Func<StoredEntry, bool> isOurs,
        CancellationToken cancellationToken)
    {
        // None for the log of a turn, where it would be one for every few tokens.
        using var span = Subjects.IsPerToken(subject) ? null : MessageSpans.StartSend(stream);
        for (var delay = FirstDelay; ; delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
        {
            if (await TryPublishAsync(stream, subject, payload, headers, expectedLast, cancellationToken) is { } sequence)
            {
                return FencedResult.Stored(sequence);
            }

            if (await FindOutAsync(stream, subject, expectedLast, isOurs, cancellationToken) is { } result)
            {
                return result;
            }

            await Task.Delay(delay, time, cancellationToken);
        }
    }

    /// <summary>The sequence when the server says that it is stored; null when that is not certain.</summary>
    private async Task<ulong?> TryPublishAsync(
        string stream, string subject, ReadOnlyMemory<byte> payload, IReadOnlyList<KeyValuePair<string, string>> headers, ulong expectedLast, CancellationToken cancellationToken)
    {
        // The client writes into the headers that it is given: a new set for each try.
        var own = new NatsHeaders();
        foreach (var (name, value) in headers)
        {
            own[name] = value;
        }

        if (!Subjects.IsPerToken(subject))
        {
            MessageSpans.Inject(own);
        }

        var outcome = NatsMetrics.Unknown;
        var since = metrics.Now;

        try
        {
            var ack = await jetStream.PublishAsync(
                subject, payload, NatsRawSerializer<ReadOnlyMemory<byte>>.Default, new NatsJSPubOpts { ExpectedLastSubjectSequence = expectedLast, RetryAttempts = 1 }, own, cancellationToken);
            outcome = ack is { Error: null, Seq: > 0 } ? NatsMetrics.Stored : NatsMetrics.Refused;
            if (outcome == NatsMetrics.Stored)
            {
                room.Stored(stream);
                return ack.Seq;
            }

            if (ack.Error is not { ErrCode: WrongLastSequence or SequenceInFlight } && !room.Explain(stream, ack.Error))
            {
                LogRefused(subject, ack.Error?.ErrCode ?? 0, ack.Error?.Description);
            }
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            room.Unanswered(stream);
            LogUncertain(subject, exception.GetType().Name);
        }
        finally
        {
            metrics.Published(stream, outcome, since);
        }

        return null;
    }

    /// <summary>Null when nothing followed the expected sequence: it is certain that this message is not stored, and the same bytes may be sent again.</summary>
    private async Task<FencedResult?> FindOutAsync(string stream, string subject, ulong expectedLast, Func<StoredEntry, bool> isOurs, CancellationToken cancellationToken)
    {
        try
        {
            var next = await reader.NextAsync(stream, subject, expectedLast + 1, cancellationToken);
            if (next is not null)
            {
                // Whosever it is, something was stored.
                room.Stored(stream);
                return isOurs(next) ? FencedResult.Stored(next.Sequence) : FencedResult.Lost(next);
            }

            return expectedLast > 0 && await reader.LastAsync(stream, subject, cancellationToken) is null ? FencedResult.SubjectGone : null;
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogUncertain(subject, exception.GetType().Name);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Debug, "Whether an append to {Subject} was stored is not known ({Reason}).")]
    private partial void LogUncertain(string subject, string reason);

    [LoggerMessage(LogLevel.Warning, "An append to {Subject} was refused: {Code} {Description}.")]
    private partial void LogRefused(string subject, int code, string? description);
}
