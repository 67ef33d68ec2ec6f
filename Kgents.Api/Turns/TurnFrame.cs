using System.Buffers;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>An event of a turn as it goes to clients: encoded once, sent to all.</summary>
/// <param name="Position">Its place in the feed, from 0.</param>
/// <param name="Previous">The sequence before it in the log, or the cursor at which the feed began.</param>
internal sealed record TurnFrame(long Position, ulong Previous, ulong Sequence, ReadOnlyMemory<byte> Bytes, bool IsTerminal)
{
    public static TurnFrame Encode(long position, ulong previous, StoredEntry entry)
    {
        var output = new ArrayBufferWriter<byte>(entry.Data.Length + 64);
        TurnSse.Write(output, entry);
        return new TurnFrame(position, previous, entry.Sequence, output.WrittenMemory, TurnEventCodec.IsTerminal(entry.Header(TurnHeaders.Event) ?? ""));
    }
}
