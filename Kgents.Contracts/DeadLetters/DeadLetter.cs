namespace Kgents.Contracts;

/// <summary>A message that could not be processed: where it was, why, and its bytes.</summary>
public sealed record DeadLetter(string Stream, ulong Sequence, string Subject, string Reason, ReadOnlyMemory<byte> Payload, DateTimeOffset At);
