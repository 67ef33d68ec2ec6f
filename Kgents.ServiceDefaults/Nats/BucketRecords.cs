using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kgents.Contracts;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>The values of a bucket, read from the leader and changed by compare-and-set. Nothing of them is kept in memory.</summary>
public sealed class BucketRecords<TValue>(BucketDefinition bucket, JsonTypeInfo<TValue> json, JetStreamReader reader, FencedPublisher publisher)
    where TValue : class
{
    private const string Operation = "KV-Operation";

    private readonly string stream = Subjects.KeyValueStream(bucket.Name);

    /// <summary>Null when there is none under this subject.</summary>
    public async Task<(TValue Value, ulong Sequence)?> FindAsync(string subject, CancellationToken cancellationToken) =>
        await reader.LastAsync(stream, subject, cancellationToken) is { Data.Length: > 0 } last ? (Read(last), last.Sequence) : null;

    /// <summary>All whose subjects are of this form, as the leader has them when it begins, or newer.</summary>
    public async IAsyncEnumerable<(TValue Value, string Subject)> ReadAsync(string subjects, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (_, last) = await reader.RangeAsync(stream, cancellationToken);
        await foreach (var entry in reader.ReadAsync(stream, subjects, 1, last, cancellationToken))
        {
            if (!entry.Data.IsEmpty)
            {
                yield return (Read(entry), entry.Subject);
            }
        }
    }

    /// <summary>The sequence when it is stored; null when the subject's last one is not the expected one any more.</summary>
    /// <param name="expected">0 for a new one.</param>
    public Task<ulong?> TryPutAsync(string subject, TValue value, ulong expected, CancellationToken cancellationToken) =>
        TryPutAsync(subject, JsonSerializer.SerializeToUtf8Bytes(value, json), expected, [], cancellationToken);

    /// <summary>The value as it is after the change, whatever else changed it meanwhile; null when there is none.</summary>
    /// <param name="change">Null when nothing is to change. It is asked again when another change came first.</param>
    public async Task<TValue?> ChangeAsync(string subject, Func<TValue, TValue?> change, CancellationToken cancellationToken)
    {
        while (await FindAsync(subject, cancellationToken) is var (value, sequence))
        {
            if (change(value) is not { } changed)
            {
                return value;
            }

            if (await TryPutAsync(subject, changed, sequence, cancellationToken) is not null)
            {
                return changed;
            }
        }

        return null;
    }

    /// <summary>Leaves a mark without a value. False when there is none.</summary>
    public async Task<bool> RemoveAsync(string subject, CancellationToken cancellationToken)
    {
        while (await FindAsync(subject, cancellationToken) is var (_, sequence))
        {
            if (await TryPutAsync(subject, Array.Empty<byte>(), sequence, [new(Operation, "DEL")], cancellationToken) is not null)
            {
                return true;
            }
        }

        return false;
    }

    private async Task<ulong?> TryPutAsync(string subject, ReadOnlyMemory<byte> payload, ulong expected, KeyValuePair<string, string>[] headers, CancellationToken cancellationToken)
    {
        // Not by its bytes: another process may write the same ones, from the same value, and one of the two changes would be lost.
        var writer = Guid.NewGuid().ToString("n");
        var result = await publisher.AppendAsync(
            stream, subject, payload, [.. headers, new(TurnHeaders.Writer, writer)], expected, entry => entry.Header(TurnHeaders.Writer) == writer, cancellationToken);
        return result.IsStored ? result.Sequence : null;
    }

    private TValue Read(StoredEntry entry) => JsonSerializer.Deserialize(entry.Data.Span, json)!;
}
