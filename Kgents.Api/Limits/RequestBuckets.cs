using System.Collections.Concurrent;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Api.Limits;

/// <summary>
/// Takes requests out of the buckets of tenants and keys, on all replicas together and over restarts: one record for each, changed by compare-and-set. Those who come at the same time
/// go in one write, from the record as this replica wrote it last, so a bucket costs one round trip at a time however many ask. One that is known to be empty is not asked: what
/// others have done since can only have taken more.
/// </summary>
internal sealed class RequestBuckets(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Between two writes of a bucket: so a replica that is asked all the time leaves room for the others' writes, which take a read too.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    private readonly BucketRecords<RequestRateRecord> records = new(Buckets.RequestRateRecords, WireJson.Default.RequestRateRecord, reader, publisher, time);

    /// <summary>As many as there are tenants and keys with limits.</summary>
    private readonly ConcurrentDictionary<string, Bucket> buckets = new(StringComparer.Ordinal);

    /// <exception cref="NatsException">NATS does not answer: nobody knows. The request may have been counted.</exception>
    /// <exception cref="OperationCanceledException">The same.</exception>
    public async ValueTask<LimitState> TakeAsync(RequestLimit limit, TenantId tenant, ApiKeyId key)
    {
        var subject = Subjects.RequestRate(tenant, limit.OfKey ? key : null);
        var bucket = buckets.GetOrAdd(subject, _ => new Bucket());
        var now = time.GetUtcNow();
        if (bucket.Known is var (known, _) && !RequestBucket.IsFarAhead(known, now) && RequestBucket.At(known, limit.Quota, now) is var current && RequestBucket.Take(current, limit.Quota) is null)
        {
            return RequestBucket.Refused(current, limit);
        }

        var asking = new Asking(limit);
        bucket.Waiting.Enqueue(asking);
        await bucket.Gate.WaitAsync();
        try
        {
            // Unless whoever was before has asked for this one too.
            if (!asking.Answer.Task.IsCompleted)
            {
                await AnswerAllAsync(subject, bucket);
            }
        }
        finally
        {
            bucket.Gate.Release();
        }

        return await asking.Answer.Task;
    }

    /// <summary>Behind the gate.</summary>
    private async Task AnswerAllAsync(string subject, Bucket bucket)
    {
        if (Pace - time.GetElapsedTime(bucket.WrittenAt) is var rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, time);
        }

        List<Asking> all = [];
        while (bucket.Waiting.TryDequeue(out var asking))
        {
            all.Add(asking);
        }

        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            await TakeAllAsync(subject, bucket, all, patience.Token);
            all.ForEach(asking => asking.Answer.SetResult(asking.State));
        }
        catch (Exception exception)
        {
            // What is stored is not known.
            bucket.Known = null;
            all.ForEach(asking => asking.Answer.SetException(exception));
        }
    }

    private async Task TakeAllAsync(string subject, Bucket bucket, List<Asking> all, CancellationToken cancellationToken)
    {
        while (true)
        {
            bucket.Known ??= await records.FindAsync(subject, cancellationToken) is var (found, revision) ? new Known(found, revision) : null;
            var before = bucket.Known?.Value;
            var after = TakeAll(all, before);
            if (after is null)
            {
                return;
            }

            var stored = await records.TryPutAsync(subject, after, bucket.Known?.Revision ?? 0, cancellationToken);
            bucket.WrittenAt = time.GetTimestamp();
            bucket.Known = stored is { } sequence ? new Known(after, sequence) : null;
            if (stored is not null)
            {
                return;
            }

            await records.PauseAsync(cancellationToken);
        }
    }

    /// <summary>The bucket as it is then; null when nobody has got anything, and nothing is to be written.</summary>
    private RequestRateRecord? TakeAll(List<Asking> all, RequestRateRecord? bucket)
    {
        var now = time.GetUtcNow();
        var after = bucket is not null && RequestBucket.IsFarAhead(bucket, now) ? bucket with { At = now } : null;
        foreach (var asking in all)
        {
            var quota = asking.Limit.Quota;
            var current = RequestBucket.At(after ?? bucket, quota, now);
            var taken = RequestBucket.Take(current, quota);
            asking.State = taken is null ? RequestBucket.Refused(current, asking.Limit) : RequestBucket.Passed(taken, asking.Limit);
            after = taken ?? after;
        }

        return after;
    }

    private sealed record Known(RequestRateRecord Value, ulong Revision);

    private sealed class Bucket
    {
        public SemaphoreSlim Gate { get; } = new(1);

        public ConcurrentQueue<Asking> Waiting { get; } = new();

        /// <summary>As it was stored last by this replica; null when another may have been since.</summary>
        public volatile Known? Known;

        public long WrittenAt { get; set; }
    }

    private sealed class Asking(RequestLimit limit)
    {
        public RequestLimit Limit => limit;

        public LimitState State { get; set; }

        public TaskCompletionSource<LimitState> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
