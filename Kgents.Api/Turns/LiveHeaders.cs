using System.Buffers.Text;
using System.Text;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>
/// What a republished message says of itself, read from its bytes. The client would make a dictionary of strings of them: more than ten for each
/// event, of which these three are wanted.
/// </summary>
/// <param name="Sequence">Where it is stored; 0 when it does not say.</param>
/// <param name="Previous">The message before it on its subject; 0 when there is none.</param>
internal readonly record struct LiveHeaders(ulong Sequence, ulong Previous, string Kind)
{
    public static LiveHeaders Read(ReadOnlySpan<byte> headers)
    {
        var (sequence, previous, kind) = (0UL, 0UL, "");
        foreach (var range in headers.Split("\r\n"u8))
        {
            var line = headers[range];
            var colon = Math.Max(line.IndexOf((byte)':'), 0);
            var name = line[..colon];
            var value = line[Math.Min(colon + 1, line.Length)..].Trim((byte)' ');
            if (name.SequenceEqual("Nats-Sequence"u8))
            {
                sequence = Number(value);
            }
            else if (name.SequenceEqual("Nats-Last-Sequence"u8))
            {
                previous = Number(value);
            }
            else if (Ascii.Equals(name, TurnHeaders.Event))
            {
                kind = TurnEventCodec.FindKind(value) ?? "";
            }
        }

        return new LiveHeaders(sequence, previous, kind);
    }

    private static ulong Number(ReadOnlySpan<byte> value) => Utf8Parser.TryParse(value, out ulong number, out var read) && read == value.Length ? number : 0;
}
