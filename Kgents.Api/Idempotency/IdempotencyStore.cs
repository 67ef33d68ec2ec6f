using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Idempotency;

/// <summary>The entries of keys, read from the leader and changed by compare-and-set.</summary>
internal sealed class IdempotencyStore(JetStreamReader reader, FencedPublisher publisher)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Idempotency);

    /// <summary>How a KV bucket says that a key has no value any more.</summary>
    private static readonly KeyValuePair<string, string>[] Deleted = [new("KV-Operation", "DEL")];

    public async Task<IdempotencyEntry> ReadAsync(string key, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Stream, Subjects.KeyValue(Buckets.Idempotency, key), cancellationToken);
        return last switch
        {
            null => new IdempotencyEntry(0, null),
            { Data.Length: 0 } => new IdempotencyEntry(last.Sequence, null),
            _ => new IdempotencyEntry(last.Sequence, JsonSerializer.Deserialize(last.Data.Span, WireJson.Default.IdempotencyRecord)),
        };
    }

    /// <summary>Null when the key's entry is not any more as it was read: another request created, changed or deleted it.</summary>
    public async Task<IdempotencyEntry?> TryPutAsync(string key, IdempotencyEntry asRead, IdempotencyRecord record, CancellationToken cancellationToken)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.IdempotencyRecord);
        var result = await publisher.AppendAsync(
            Stream, Subjects.KeyValue(Buckets.Idempotency, key), payload, [], asRead.Revision, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
        return result.IsStored ? new IdempotencyEntry(result.Sequence, record) : null;
    }

    /// <summary>False when another request has put something else in its place since it was read, which stays.</summary>
    public async Task<bool> TryDeleteAsync(string key, IdempotencyEntry asRead, CancellationToken cancellationToken) => (await publisher.AppendAsync(
        Stream, Subjects.KeyValue(Buckets.Idempotency, key), ReadOnlyMemory<byte>.Empty, Deleted, asRead.Revision, entry => entry.Data.Length == 0, cancellationToken)).IsStored;
}
