using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>An entry of a turn's log as it is followed, whichever way it came.</summary>
/// <param name="Subject">Where it is stored, which tells its turn.</param>
/// <param name="Kind">See <see cref="TurnEventCodec"/>; empty for one that this version does not know.</param>
internal readonly record struct TurnEntry(ulong Sequence, string Subject, string Kind, ReadOnlyMemory<byte> Data)
{
    public bool IsTerminal => TurnEventCodec.IsTerminal(Kind);

    public static implicit operator TurnEntry(StoredEntry entry) => new(entry.Sequence, entry.Subject, entry.Header(TurnHeaders.Event) ?? "", entry.Data);
}
