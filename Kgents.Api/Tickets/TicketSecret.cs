using System.Security.Cryptography;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Tickets;

/// <summary>What tickets are signed with: drawn once, kept beside the keys, so that it is the same for every replica and after every restart.</summary>
internal sealed class TicketSecret(JetStreamReader reader, FencedPublisher publisher)
{
    public const int Length = 32;

    private static readonly string Stream = Subjects.KeyValueStream(Buckets.ApiKeys);
    private static readonly string Subject = Subjects.KeyValue(Buckets.ApiKeys, $"{BucketView<ApiKeyRecord>.ReservedPrefix}tickets");

    private byte[]? known;

    public bool IsKnown => known is not null;

    public async ValueTask<byte[]> GetAsync(CancellationToken cancellationToken) => known ??= await FindOrDrawAsync(cancellationToken);

    /// <summary>From the leader. Of replicas that draw one at the same time the first wins.</summary>
    private async Task<byte[]> FindOrDrawAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var stored = await reader.LastAsync(Stream, Subject, cancellationToken);
            if (stored is { Data.Length: Length })
            {
                return stored.Data.ToArray();
            }

            var drawn = RandomNumberGenerator.GetBytes(Length);
            await publisher.AppendAsync(Stream, Subject, drawn, [], stored?.Sequence ?? 0, entry => entry.Data.Span.SequenceEqual(drawn), cancellationToken);
        }
    }
}
