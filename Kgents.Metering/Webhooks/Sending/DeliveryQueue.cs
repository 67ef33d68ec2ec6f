using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>
/// When each pending delivery is due, in this process's memory: what is to be sent is in the bucket. Of a webhook, and of a tenant, at most so many are given out at once, and its others wait behind them, so one
/// that is slow or away holds up none but its own.
/// </summary>
internal sealed class DeliveryQueue(IOptions<WebhookDeliveryOptions> options, TimeProvider time)
{
    /// <summary>A clock that is put forward is noticed after this.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Dictionary<DeliveryAddress, Entry> entries = [];
    private readonly Dictionary<(TenantId, WebhookId), Line> lines = [];

    /// <summary>How many of each tenant are given out.</summary>
    private readonly Dictionary<TenantId, int> running = [];

    private TaskCompletionSource changed = NewSignal();

    public int Count
    {
        get
        {
            lock (gate)
            {
                return entries.Count;
            }
        }
    }

    /// <summary>What is known of a delivery since a revision; what is older than what is known is not looked at.</summary>
    /// <param name="dueAt">Null when it is pending no more.</param>
    public void Set(DeliveryAddress address, DateTimeOffset? dueAt, ulong revision)
    {
        lock (gate)
        {
            var entry = entries.GetValueOrDefault(address);
            if (entry?.Revision > revision)
            {
                return;
            }

            var line = LineOf(address);
            if (entry is not null)
            {
                line.Waiting.Remove((entry.DueAt, address.Event.ToString()));
            }

            if (dueAt is { } due)
            {
                entries[address] = new Entry(due, revision);
                if (!line.Running.Contains(address.Event))
                {
                    line.Waiting.Add((due, address.Event.ToString()));
                }
            }
            else
            {
                entries.Remove(address);
            }

            Tidy(address, line);
        }

        Signal();
    }

    /// <summary>It may be given out again, when it is due.</summary>
    public void Done(DeliveryAddress address)
    {
        lock (gate)
        {
            var line = LineOf(address);
            if (line.Running.Remove(address.Event) && --running[address.Tenant] == 0)
            {
                running.Remove(address.Tenant);
            }

            if (entries.TryGetValue(address, out var entry))
            {
                line.Waiting.Add((entry.DueAt, address.Event.ToString()));
            }

            Tidy(address, line);
        }

        Signal();
    }

    /// <summary>Each delivery when it is due, and its webhook and its tenant have a place. Who takes one says when it is <see cref="Done"/> with it. Ends when the token is cancelled.</summary>
    public async IAsyncEnumerable<DeliveryAddress> TakeAsync([EnumeratorCancellation] CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            // The signal before the look, so that no change falls between the two.
            var signal = Volatile.Read(ref changed).Task;
            if (TryTake(out var address, out var wait))
            {
                yield return address;
            }
            else
            {
                // Whatever ends the wait, the next look tells.
                await signal.WaitAsync(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool TryTake(out DeliveryAddress address, out TimeSpan wait)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            wait = LongestWait;
            address = default;
            if (lines.Values.Where(line => line.Waiting.Count > 0 && line.Running.Count < options.Value.ConcurrencyPerWebhook && running.GetValueOrDefault(line.Tenant) < options.Value.ConcurrencyPerTenant).MinBy(line => line.Waiting.Min.DueAt) is not { } first)
            {
                return false;
            }

            var (dueAt, id) = first.Waiting.Min;
            if (dueAt > now)
            {
                wait = dueAt - now < LongestWait ? dueAt - now : LongestWait;
                return false;
            }

            address = new DeliveryAddress(first.Tenant, first.Webhook, WebhookEventId.Parse(id));
            first.Waiting.Remove((dueAt, id));
            first.Running.Add(address.Event);
            running[first.Tenant] = running.GetValueOrDefault(first.Tenant) + 1;
            return true;
        }
    }

    private Line LineOf(DeliveryAddress address)
    {
        if (!lines.TryGetValue((address.Tenant, address.Webhook), out var line))
        {
            line = new Line(address.Tenant, address.Webhook);
            lines.Add((address.Tenant, address.Webhook), line);
        }

        return line;
    }

    private void Tidy(DeliveryAddress address, Line line)
    {
        if (line.Waiting.Count == 0 && line.Running.Count == 0)
        {
            lines.Remove((address.Tenant, address.Webhook));
        }
    }

    private void Signal() => Interlocked.Exchange(ref changed, NewSignal()).TrySetResult();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Entry(DateTimeOffset DueAt, ulong Revision);

    private sealed class Line(TenantId tenant, WebhookId webhook)
    {
        public TenantId Tenant => tenant;

        public WebhookId Webhook => webhook;

        public SortedSet<(DateTimeOffset DueAt, string Event)> Waiting { get; } = [];

        public HashSet<WebhookEventId> Running { get; } = [];
    }
}
