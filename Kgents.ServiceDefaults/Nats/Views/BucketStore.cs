using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kgents.Contracts;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// The values of a bucket: written by compare-and-set, each from what the leader has, and read from this process's view. Who has written sees it
/// in the view.
/// </summary>
public sealed class BucketStore<TValue>(
    BucketDefinition bucket, JsonTypeInfo<TValue> json, JetStreamReader reader, FencedPublisher publisher, BucketView<TValue> view)
    where TValue : class
{
    private readonly string stream = Subjects.KeyValueStream(bucket.Name);

    /// <summary>The values by their keys, as this process knows them.</summary>
    public IEnumerable<KeyValuePair<string, TValue>> All => view.All;

    /// <summary>Null when there is none of this key.</summary>
    public TValue? Find(string key) => view.Find(key);

    /// <summary>The value with the key that is stored, for who compares it himself.</summary>
    public KeyValuePair<string, TValue>? FindEntry(string key) => view.FindEntry(key);

    /// <summary>False when there is a value of this key already, which stays as it is.</summary>
    public async Task<bool> TryCreateAsync(string key, TValue value, CancellationToken cancellationToken)
    {
        var (stored, revision) = await PutAsync(key, value, 0, cancellationToken);
        await view.WhenSeenAsync(revision, cancellationToken);
        return stored;
    }

    /// <summary>The value as it is after the change, whatever else changed it meanwhile; null when there is none.</summary>
    public async Task<TValue?> ChangeAsync(string key, Func<TValue, TValue> change, CancellationToken cancellationToken)
    {
        while (await reader.LastAsync(stream, Subjects.KeyValue(bucket.Name, key), cancellationToken) is { Data.Length: > 0 } last)
        {
            var changed = change(JsonSerializer.Deserialize(last.Data.Span, json)!);
            var (stored, revision) = await PutAsync(key, changed, last.Sequence, cancellationToken);
            if (stored)
            {
                await view.WhenSeenAsync(revision, cancellationToken);
                return changed;
            }
        }

        return null;
    }

    private async Task<(bool Stored, ulong Revision)> PutAsync(string key, TValue value, ulong expected, CancellationToken cancellationToken)
    {
        // Not by its bytes: another process may write the same ones, from the same value, and one of the two changes would be lost.
        var writer = Guid.NewGuid().ToString("n");
        var result = await publisher.AppendAsync(
            stream,
            Subjects.KeyValue(bucket.Name, key),
            JsonSerializer.SerializeToUtf8Bytes(value, json),
            [new(TurnHeaders.Writer, writer)],
            expected,
            entry => entry.Header(TurnHeaders.Writer) == writer,
            cancellationToken);
        return (result.IsStored, result.IsStored ? result.Sequence : result.Winner?.Sequence ?? 0);
    }
}
