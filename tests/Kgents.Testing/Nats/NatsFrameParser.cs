using System.Buffers;
using System.Globalization;
using System.Text;

namespace Kgents.Testing;

/// <summary>Cuts a NATS byte stream, of either direction, into frames. Unknown lines are refused, never guessed.</summary>
internal static class NatsFrameParser
{
    // INFO and CONNECT may carry JWTs; anything longer is not a line but a lost boundary.
    private const int MaxLineLength = 1 << 20;

    /// <summary>Takes the next whole frame off the buffer; false when it is not all there yet.</summary>
    /// <exception cref="InvalidDataException">The bytes are not the NATS protocol.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out NatsFrame frame)
    {
        frame = default;
        SequenceReader<byte> reader = new(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
        {
            return buffer.Length <= MaxLineLength ? false : throw new InvalidDataException("A NATS line does not end.");
        }

        var text = Encoding.UTF8.GetString(line);
        var words = text.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
        var length = reader.Consumed;
        switch (words is [] ? "" : words[0].ToUpperInvariant())
        {
            case "PUB":
                return TryTakeMessage(ref buffer, NatsOperation.Publish, words, length, new Layout(3, 2), out frame);
            case "HPUB":
                return TryTakeMessage(ref buffer, NatsOperation.Publish, words, length, new Layout(4, 2), out frame);
            case "MSG":
                return TryTakeMessage(ref buffer, NatsOperation.Message, words, length, new Layout(4, 3), out frame);
            case "HMSG":
                return TryTakeMessage(ref buffer, NatsOperation.Message, words, length, new Layout(5, 3), out frame);
            case "PING":
                return TryTake(ref buffer, NatsOperation.Ping, "", null, length, out frame);
            case "PONG":
                return TryTake(ref buffer, NatsOperation.Pong, "", null, length, out frame);
            case "INFO" or "CONNECT" or "SUB" or "UNSUB" or "+OK" or "-ERR":
                return TryTake(ref buffer, NatsOperation.Other, "", null, length, out frame);
            default:
                throw new InvalidDataException($"Not a NATS line: '{text[..Math.Min(text.Length, 80)]}'.");
        }
    }

    private static bool TryTakeMessage(
        ref ReadOnlySequence<byte> buffer, NatsOperation operation, string[] words, long lineLength, Layout layout, out NatsFrame frame)
    {
        var hasReply = words.Length == layout.Words + 1;
        if ((!hasReply && words.Length != layout.Words)
            || !int.TryParse(words[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var size))
        {
            throw new InvalidDataException($"Not a NATS message line: '{string.Join(' ', words)}'.");
        }

        // The last number is the whole payload, headers included; CRLF follows it.
        var length = lineLength + size + 2;
        return TryTake(ref buffer, operation, words[1], hasReply ? words[layout.ReplyAt] : null, length, out frame);
    }

    private static bool TryTake(
        ref ReadOnlySequence<byte> buffer, NatsOperation operation, string subject, string? replyTo, long length, out NatsFrame frame)
    {
        if (buffer.Length < length)
        {
            frame = default;
            return false;
        }

        frame = new NatsFrame(operation, subject, replyTo, buffer.Slice(0, length));
        buffer = buffer.Slice(length);
        return true;
    }

    /// <param name="Words">Words of the line without a reply subject.</param>
    /// <param name="ReplyAt">Where the reply subject stands when there is one more.</param>
    private readonly record struct Layout(int Words, int ReplyAt);
}
