using System.Buffers;
using System.IO.Pipelines;
using NATS.Client.Core;

namespace Kgents.Bench.Floors;

/// <summary>
/// The least that a process can do to relay a subject to one client: the NATS client hands over the bytes of a message, headers unread, and they go to
/// Kestrel as they are. It has no log, no order, no second viewer.
/// </summary>
internal sealed class BareRelay(INatsConnection connection, string subject, PipeWriter output)
    : NatsSubBase(connection, connection.SubscriptionManager, subject, queueGroup: null, opts: null)
{
    protected override ValueTask ReceiveInternalAsync(string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
    {
        foreach (var part in payloadBuffer)
        {
            output.Write(part.Span);
        }

        // What the client has not taken goes with the next one.
        var flush = output.FlushAsync();
        GC.KeepAlive(flush.IsCompleted);
        return ValueTask.CompletedTask;
    }

    protected override void TryComplete()
    {
        // Nobody waits for the end.
    }
}
