using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Kgents.Streaming.Models;

/// <summary>
/// A response that has to be UTF-8. What comes before a byte that is not passes on, so that no token of it is lost; the next read then fails, where
/// a client would make replacement characters. A character may come in several reads.
/// </summary>
internal sealed class StrictUtf8Stream(Stream inner) : Stream
{
    private readonly byte[] begun = new byte[4];
    private int begunLength;
    private bool isBroken;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = isBroken ? 0 : await inner.ReadAsync(buffer, cancellationToken);
        return Check(buffer.Span[..read], read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = isBroken ? 0 : inner.Read(buffer, offset, count);
        return Check(buffer.AsSpan(offset, read), read);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Check(ReadOnlySpan<byte> bytes, int read)
    {
        var valid = isBroken ? 0 : CountValid(bytes);
        isBroken |= valid < read;
        return isBroken && valid == 0 ? throw new InvalidDataException("The response is not UTF-8.") : valid;
    }

    /// <summary>How many bytes there are before the first that cannot be; a character that may still become whole counts.</summary>
    private int CountValid(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (begunLength > 0 && at < bytes.Length)
        {
            begun[begunLength++] = bytes[at++];
            switch (Rune.DecodeFromUtf8(begun.AsSpan(0, begunLength), out _, out _))
            {
                case OperationStatus.Done:
                    begunLength = 0;
                    break;
                case OperationStatus.InvalidData:
                    return 0;
            }
        }

        if (Utf8.IsValid(bytes[at..]))
        {
            return bytes.Length;
        }

        while (at < bytes.Length)
        {
            switch (Rune.DecodeFromUtf8(bytes[at..], out _, out var length))
            {
                case OperationStatus.Done:
                    at += length;
                    break;
                case OperationStatus.NeedMoreData:
                    begunLength = bytes.Length - at;
                    bytes[at..].CopyTo(begun);
                    return bytes.Length;
                default:
                    return at;
            }
        }

        return at;
    }
}
