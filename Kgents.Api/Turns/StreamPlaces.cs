using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>
/// The streams that a tenant may have open on all replicas together: one record for each tenant whose plan limits them, changed by compare-and-set. A replica says how many it has, not
/// what has changed, so whatever became of a write, the next one is right. Those who come at the same time go in one write. A replica that dies keeps its places for <see cref="Lease"/>.
/// </summary>
internal sealed partial class StreamPlaces(JetStreamReader reader, FencedPublisher publisher, TimeProvider time, ILogger<StreamPlaces> logger) : BackgroundService
{
    /// <summary>Much more than clocks of servers differ by.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Renewal = Lease / 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly BucketRecords<OpenStreamsRecord> records = new(Buckets.OpenStreamsRecords, WireJson.Default.OpenStreamsRecord, reader, publisher, time);
    private readonly string replica = Guid.NewGuid().ToString("n");
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, Places> tenants = [];
    private bool isStopping;

    /// <summary>True when there was room: the place is held until it is released.</summary>
    /// <exception cref="OperationCanceledException">NATS does not answer: nobody knows.</exception>
    public Task<bool> TakeAsync(TenantId tenant, int limit)
    {
        var asking = new Asking(limit);
        lock (gate)
        {
            var places = PlacesOf(tenant);
            places.Asking.Add(asking);
            Tell(tenant, places);
        }

        return asking.Answer.Task;
    }

    public void Release(TenantId tenant)
    {
        lock (gate)
        {
            var places = PlacesOf(tenant);
            places.Open--;
            Tell(tenant, places);
        }
    }

    /// <summary>After the server has stopped, and with it every stream: other replicas have the places at once.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Task[] telling;
        lock (gate)
        {
            isStopping = true;
            telling = [.. tenants.Values.Select(places => places.Telling)];
        }

        await Task.WhenAll(telling).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Renewal, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                lock (gate)
                {
                    foreach (var (tenant, places) in tenants)
                    {
                        Tell(tenant, places);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
    }

    private Places PlacesOf(TenantId tenant) => tenants.TryGetValue(tenant, out var places) ? places : tenants[tenant] = new Places();

    /// <summary>Under the gate. One write of a tenant at a time; what changes meanwhile is in the next.</summary>
    private void Tell(TenantId tenant, Places places)
    {
        places.HasNews = true;
        if (places.Telling.IsCompleted)
        {
            places.Telling = TellAsync(tenant, places);
        }
    }

    private async Task TellAsync(TenantId tenant, Places places)
    {
        // Not under the gate.
        await Task.Yield();
        while (TakeNews(tenant, places, out var asking) is { } open)
        {
            try
            {
                using var patience = new CancellationTokenSource(Patience, time);
                Answer(places, asking, await WriteAsync(tenant, open, asking, patience.Token));
            }
            catch (Exception exception)
            {
                LogNotTold(tenant, exception);
                asking.ForEach(each => each.Answer.SetException(exception));
                await Task.Delay(RetryDelay, time);
                lock (gate)
                {
                    // What was written is not known. Who has come meanwhile is answered, also while the process stops.
                    places.HasNews |= !isStopping;
                }
            }
        }
    }

    /// <summary>How many are open here; null when there is nothing to tell.</summary>
    private int? TakeNews(TenantId tenant, Places places, out List<Asking> asking)
    {
        lock (gate)
        {
            asking = places.Asking;
            if (!places.HasNews)
            {
                // Decided under the gate: whoever has news from here on begins anew.
                places.Telling = Task.CompletedTask;
                if (places.Open == 0)
                {
                    tenants.Remove(tenant);
                }

                return null;
            }

            (places.HasNews, places.Asking) = (false, []);
            return places.Open;
        }
    }

    private void Answer(Places places, List<Asking> asking, int granted)
    {
        lock (gate)
        {
            places.Open += granted;
        }

        for (var index = 0; index < asking.Count; index++)
        {
            asking[index].Answer.SetResult(asking[index].IsGranted);
        }
    }

    /// <summary>How many of those who ask have got a place.</summary>
    private async Task<int> WriteAsync(TenantId tenant, int open, List<Asking> asking, CancellationToken cancellationToken)
    {
        var granted = 0;
        await records.ChangeOrCreateAsync(Subjects.KeyValue(Buckets.OpenStreams, tenant.ToString()), Change, cancellationToken);
        return granted;

        OpenStreamsRecord? Change(OpenStreamsRecord? last)
        {
            var now = time.GetUtcNow();
            var known = last?.Replicas ?? new Dictionary<string, ReplicaStreams>();
            var replicas = known.Where(each => each.Key != replica && each.Value.Until > now).ToDictionary(StringComparer.Ordinal);
            granted = Grant(asking, open + replicas.Values.Sum(each => each.Open));
            if (open + granted > 0)
            {
                replicas[replica] = new ReplicaStreams(open + granted, now + Lease);
            }
            else if (!known.ContainsKey(replica))
            {
                return null;
            }

            return new OpenStreamsRecord(replicas);
        }
    }

    /// <param name="taken">On all replicas.</param>
    private static int Grant(List<Asking> asking, int taken)
    {
        var granted = 0;
        foreach (var each in asking)
        {
            each.IsGranted = taken + granted < each.Limit;
            granted += each.IsGranted ? 1 : 0;
        }

        return granted;
    }

    [LoggerMessage(LogLevel.Warning, "The open streams of {Tenant} could not be told to the other replicas; trying again.")]
    private partial void LogNotTold(TenantId tenant, Exception exception);

    /// <summary>Of a tenant on this replica. All of it is under the gate.</summary>
    private sealed class Places
    {
        public int Open { get; set; }

        public bool HasNews { get; set; }

        public List<Asking> Asking { get; set; } = [];

        public Task Telling { get; set; } = Task.CompletedTask;
    }

    private sealed class Asking(int limit)
    {
        public int Limit => limit;

        public bool IsGranted { get; set; }

        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
