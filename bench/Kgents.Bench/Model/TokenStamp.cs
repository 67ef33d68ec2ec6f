using System.Buffers;
using System.Buffers.Text;

namespace Kgents.Bench.Model;

/// <summary>A token's text is the time at which the model wrote it, so that whoever sees the token knows how long it took. One process has both clocks.</summary>
internal static class TokenStamp
{
    /// <summary>Digits of a stamp: the ticks of a machine that has been up for at most 31 years, and a blank.</summary>
    public const int Length = 19;

    public static void Write(Span<byte> output, long timestamp)
    {
        Utf8Formatter.TryFormat(timestamp, output, out _, new StandardFormat('D', Length - 1));
        output[Length - 1] = (byte)' ';
    }

    /// <summary>The stamps in a chunk's JSON; null for the data of another event.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> chunk)
    {
        var text = "{\"text\":\""u8;
        var rest = chunk.StartsWith(text) ? chunk[text.Length..] : default;
        return rest[..Math.Max(rest.IndexOf((byte)'"'), 0)];
    }

    public static int Count(ReadOnlySpan<byte> stamps) => stamps.Length / Length;

    public static long Read(ReadOnlySpan<byte> stamps, int index) =>
        Utf8Parser.TryParse(stamps.Slice(index * Length, Length - 1), out long timestamp, out _)
            ? timestamp
            : throw new InvalidOperationException("A token is not what the model said.");
}
