using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Authentication;

/// <summary>API keys by their hash. The keys themselves are nowhere.</summary>
internal sealed class ApiKeyStore(JetStreamReader reader, FencedPublisher publisher)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.ApiKeys);

    public async Task<ApiKeyRecord?> FindAsync(string hash, CancellationToken cancellationToken)
    {
        var entry = await reader.LastAsync(Stream, Subjects.KeyValue(Buckets.ApiKeys, hash), cancellationToken);
        return entry is { Data.Length: > 0 } ? JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.ApiKeyRecord) : null;
    }

    /// <summary>Stores a key; one that is stored already stays as it is.</summary>
    public async Task AddAsync(string hash, ApiKeyRecord record, CancellationToken cancellationToken) =>
        await publisher.AppendAsync(
            Stream,
            Subjects.KeyValue(Buckets.ApiKeys, hash),
            JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.ApiKeyRecord),
            [],
            expectedLast: 0,
            _ => true,
            cancellationToken);
}
