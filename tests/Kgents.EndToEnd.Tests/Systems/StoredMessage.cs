namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>A message as a stream holds it.</summary>
public sealed record StoredMessage(ulong Sequence, string Subject, byte[] Data, IReadOnlyDictionary<string, string> Headers, DateTimeOffset Time);
