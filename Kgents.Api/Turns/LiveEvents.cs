using System.Buffers;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>
/// What the server republishes of a turn or a session, as it comes. Only so much waits to be taken; what comes then is dropped, so that the
/// connection, which all share, never waits: the next message names the one before it.
/// </summary>
internal sealed class LiveEvents(INatsConnection connection, FollowedLog followed, TimeProvider time)
    : NatsSubBase(connection, connection.SubscriptionManager, followed.LiveSubject, queueGroup: null, opts: null)
{
    private readonly Lock gate = new();
    private readonly WakeUp arrived = new();

    // Not there until something comes: most turns that are followed wait for something.
    private string? subject;
    private LiveBatch? arriving;
    private LiveBatch? taken;
    private long waitedSince = time.GetTimestamp();
    private volatile bool isIdle;
    private volatile bool isReconnected;

    public FollowedLog Followed => followed;

    /// <summary>What has arrived and is not used yet, in order; null when nothing has ever. It is good until the next call that finds all of it used.</summary>
    public LiveBatch? Take()
    {
        if (taken is not { IsUsed: false })
        {
            taken?.Clear();
            lock (gate)
            {
                (arriving, taken) = (taken, arriving);
            }
        }

        return taken;
    }

    /// <summary>Until there may be something to take, or <see cref="Wake"/> or <see cref="WakeIfIdle"/> is called. For one reader.</summary>
    public ValueTask WaitAsync()
    {
        Volatile.Write(ref waitedSince, time.GetTimestamp());
        return arrived.WaitAsync();
    }

    /// <summary>True once after a wait in which nothing came for a while.</summary>
    public bool TakeIdle()
    {
        var taken = isIdle;
        isIdle = false;
        return taken;
    }

    /// <summary>True once after the connection was lost and is there again: what was sent meanwhile did not come.</summary>
    public bool TakeReconnected()
    {
        var taken = isReconnected;
        isReconnected = false;
        return taken;
    }

    public void Wake() => arrived.Call();

    public void WakeReconnected()
    {
        isReconnected = true;
        arrived.Call();
    }

    public void WakeIfIdle(TimeSpan silence)
    {
        if (time.GetElapsedTime(Volatile.Read(ref waitedSince)) >= silence)
        {
            isIdle = true;
            arrived.Call();
        }
    }

    /// <summary>Called by the connection's one reading loop; it must neither wait nor throw.</summary>
    protected override ValueTask ReceiveInternalAsync(string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
    {
        if (headersBuffer is { } bytes)
        {
            Receive(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray(), payloadBuffer);
        }

        return ValueTask.CompletedTask;
    }

    protected override void TryComplete()
    {
        // The subscription ends: who reads it has ended it, or finds the end of the log by itself.
    }

    private void Receive(ReadOnlySpan<byte> headerBytes, in ReadOnlySequence<byte> payload)
    {
        var headers = LiveHeaders.Read(headerBytes);
        lock (gate)
        {
            // Of a session it is only a bell: what it says is read from the log.
            (arriving ??= new LiveBatch()).TryAdd(headers, subject ??= followed.Subject, followed.IsOfSession ? default : payload);
        }

        arrived.Call();
    }
}
