using System.Collections.Concurrent;
using System.Globalization;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Api.Limits;

/// <summary>
/// Counts requests in JetStream's counters, so that a limit holds for all replicas together and over restarts: each request adds one and is told
/// the sum. A window that is known to be used up is not asked again, so that a client which goes on asking costs NATS nothing.
/// </summary>
internal sealed class RequestCounter(INatsJSContext jetStream)
{
    public const string Increment = "Nats-Incr";

    /// <summary>By tenant or key and policy: the window that is used up, as long as its quota is no larger. As many as there are tenants and keys with limits.</summary>
    private readonly ConcurrentDictionary<(TenantId, ApiKeyId?, string), (DateTimeOffset Start, long Quota)> usedUp = new();

    /// <summary>The requests in the window with this one; null when it is used up.</summary>
    /// <exception cref="NatsException">NATS does not answer: nobody knows.</exception>
    public async ValueTask<long?> AddAsync(RequestWindow window, TenantId tenant, ApiKeyId key, DateTimeOffset start, CancellationToken cancellationToken)
    {
        var of = (tenant, window.OfKey ? key : (ApiKeyId?)null, window.Policy);
        if (usedUp.TryGetValue(of, out var known) && known.Start == start && window.Quota <= known.Quota)
        {
            return null;
        }

        // Without a second try: one whose answer is lost may have counted, and a request is not to be counted twice.
        var ack = await jetStream.PublishAsync(
            Subjects.RequestCount(window.Name, tenant, of.Item2, start),
            ReadOnlyMemory<byte>.Empty,
            NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
            new NatsJSPubOpts { RetryAttempts = 1 },
            new NatsHeaders { [Increment] = "+1" },
            cancellationToken);
        ack.EnsureSuccess();
        var sum = long.Parse(ack.Value!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (sum <= window.Quota)
        {
            return sum;
        }

        usedUp[of] = (start, window.Quota);
        return null;
    }
}
