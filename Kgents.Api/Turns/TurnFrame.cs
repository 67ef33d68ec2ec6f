namespace Kgents.Api.Turns;

/// <summary>An event of a turn as it goes to clients: encoded once, sent to all.</summary>
/// <param name="Previous">The sequence before it in the log, or the cursor at which the feed began.</param>
/// <param name="Subject">Where it was stored, which tells its turn.</param>
/// <param name="Bytes">Empty for a kind that clients do not see.</param>
internal readonly record struct TurnFrame(ulong Previous, ulong Sequence, string Subject, ReadOnlyMemory<byte> Bytes, bool IsTerminal);
