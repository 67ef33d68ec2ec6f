using System.Collections.Concurrent;
using System.Globalization;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Api.Limits;

/// <summary>
/// Counts the requests of a day in JetStream's counters, so that a limit holds for all replicas together and over restarts: each request adds one and is told
/// the sum. A day that is known to be used up is not asked again, so that a client which goes on asking costs NATS nothing.
/// </summary>
internal sealed class RequestCounter(INatsJSContext jetStream, TimeProvider time)
{
    public const string Increment = "Nats-Incr";

    /// <summary>By tenant or key: the day that is used up, as long as its quota is no larger. As many as there are tenants and keys with limits.</summary>
    private readonly ConcurrentDictionary<(TenantId, ApiKeyId?), (DateTimeOffset Start, long Quota)> usedUp = new();

    /// <summary>Null when it is not known without asking.</summary>
    public LimitState? UsedUp(RequestLimit limit, TenantId tenant, ApiKeyId key)
    {
        var (start, left) = Today();
        return usedUp.TryGetValue((tenant, limit.OfKey ? key : null), out var known) && known.Start == start && limit.Quota <= known.Quota ? LimitState.UsedUp(limit, left, left) : null;
    }

    /// <exception cref="NatsException">NATS does not answer: nobody knows. The request may have been counted.</exception>
    public async ValueTask<LimitState> AddAsync(RequestLimit limit, TenantId tenant, ApiKeyId key, CancellationToken cancellationToken)
    {
        var (start, left) = Today();
        var of = (tenant, limit.OfKey ? key : (ApiKeyId?)null);

        // Without a second try: one whose answer is lost may have counted, and a request is not to be counted twice.
        var ack = await jetStream.PublishAsync(
            Subjects.RequestCount(tenant, of.Item2, start),
            ReadOnlyMemory<byte>.Empty,
            NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
            new NatsJSPubOpts { RetryAttempts = 1 },
            new NatsHeaders { [Increment] = "+1" },
            cancellationToken);
        ack.EnsureSuccess();
        var sum = long.Parse(ack.Value!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (sum <= limit.Quota)
        {
            return new LimitState(limit, limit.Quota - sum, left, Wait: null);
        }

        usedUp[of] = (start, limit.Quota);
        return LimitState.UsedUp(limit, left, left);
    }

    private (DateTimeOffset Start, TimeSpan Left) Today()
    {
        var now = time.GetUtcNow();
        var start = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % RequestLimit.Day.Ticks), TimeSpan.Zero);
        return (start, start + RequestLimit.Day - now);
    }
}
