using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>A message as a stream has it.</summary>
public sealed record StoredEntry(ulong Sequence, string Subject, ReadOnlyMemory<byte> Data, NatsHeaders Headers, DateTimeOffset Time)
{
    /// <summary>The header's value, or null.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var values) ? values.ToString() : null;
}
