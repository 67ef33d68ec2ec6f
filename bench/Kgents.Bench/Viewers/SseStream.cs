namespace Kgents.Bench.Viewers;

/// <summary>Called for each event; what it is given does not outlive the call. False ends the reading.</summary>
internal delegate bool SseEventHandler(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data);

/// <summary>Reads Server-Sent Events of the one form that Kgents writes, with nothing allocated for each: hundreds of viewers share a core with what they view.</summary>
internal sealed class SseStream(int bufferSize)
{
    private byte[] buffer = new byte[bufferSize];
    private int filled;

    /// <summary>Bytes of all events so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Until the handler has enough; false when the stream ends before that.</summary>
    public async Task<bool> ReadAsync(Stream stream, SseEventHandler handler, CancellationToken cancellationToken)
    {
        while (await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken) is > 0 and var count)
        {
            filled += count;
            if (!Take(handler))
            {
                return true;
            }

            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * filled);
            }
        }

        return false;
    }

    private bool Take(SseEventHandler handler)
    {
        var rest = buffer.AsSpan(0, filled);
        while (rest.IndexOf("\n\n"u8) is >= 0 and var end)
        {
            if (!TakeEvent(rest[..end], handler))
            {
                return false;
            }

            Bytes += end + 2;
            rest = rest[(end + 2)..];
        }

        rest.CopyTo(buffer);
        filled = rest.Length;
        return true;
    }

    private static bool TakeEvent(ReadOnlySpan<byte> text, SseEventHandler handler)
    {
        ReadOnlySpan<byte> id = default, name = default, data = default;
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.StartsWith("data: "u8))
            {
                data = line[6..];
            }
            else if (line.StartsWith("event: "u8))
            {
                name = line[7..];
            }
            else if (line.StartsWith("id: "u8))
            {
                id = line[4..];
            }
        }

        return name.IsEmpty || handler(id, name, data);
    }
}
