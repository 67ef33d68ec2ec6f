using System.Buffers;

namespace Kgents.Testing;

/// <summary>What a protocol line is, as far as the proxy must tell lines apart.</summary>
internal enum NatsOperation
{
    Other,
    Ping,
    Pong,
    Publish,
    Message,
}

/// <summary>One whole protocol message: its line and, for PUB, HPUB, MSG and HMSG, its payload.</summary>
/// <param name="Subject">Empty unless the frame carries a message.</param>
/// <param name="Bytes">Exactly the bytes of the frame, valid until the reader advances.</param>
internal readonly record struct NatsFrame(
    NatsOperation Operation, string Subject, string? ReplyTo, ReadOnlySequence<byte> Bytes);
