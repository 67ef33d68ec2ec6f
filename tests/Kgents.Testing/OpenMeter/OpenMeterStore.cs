using System.Text.Json;
using System.Threading.Channels;

namespace Kgents.Testing;

/// <summary>A stored event: a row of OpenMeter's table.</summary>
/// <param name="VisibleAt">When its queue and sink are through with it.</param>
internal sealed record OpenMeterRow(JsonElement Event, DateTimeOffset IngestedAt, DateTimeOffset VisibleAt);

/// <summary>The rows that the stand-in has, in order. A row is an event that counts; without deduplication one event may be several.</summary>
internal sealed class OpenMeterStore(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<OpenMeterRow> _rows = [];
    private readonly Dictionary<string, List<OpenMeterRow>> _byId = [];
    private readonly HashSet<(string Source, string Id)> _known = [];
    private readonly HashSet<(string Source, string Id)> _claimed = [];
    private readonly Channel<JsonElement> _arrivals = Channel.CreateBounded<JsonElement>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest });
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, OpenMeterHistory> _histories = [];
    private int _duplicates;
    private int _lost;

    public ChannelReader<JsonElement> Arrivals => _arrivals.Reader;

    public int Duplicates => Volatile.Read(ref _duplicates);

    public int Lost => Volatile.Read(ref _lost);

    public void Accept(IEnumerable<JsonElement> events, bool deduplicate, TimeSpan delay, Func<JsonElement, EventFate> fate)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            foreach (var value in events)
            {
                Accept(value, deduplicate, now, now + delay, fate(value));
            }

            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Deduplication in front of the queue: the ids are taken for known, and the events are not stored.</summary>
    public void Claim(IEnumerable<JsonElement> events)
    {
        lock (_gate)
        {
            _claimed.UnionWith(events.Select(IdentityOf));
        }
    }

    public void ForgetClaims()
    {
        lock (_gate)
        {
            _claimed.Clear();
        }
    }

    public OpenMeterHistory HistoryOf(string id)
    {
        lock (_gate)
        {
            return _histories.GetValueOrDefault(id, OpenMeterHistory.None);
        }
    }

    /// <summary>A 2xx was the answer to a request with these.</summary>
    public void Promise(IEnumerable<JsonElement> events) => Note(events, history => history with { Promised = history.Promised + 1 });

    /// <summary>A 413 was the answer to this one alone.</summary>
    public void RefuseAsTooLarge(JsonElement value) => Note([value], history => history with { TooLarge = history.TooLarge + 1 });

    /// <summary>As if it had been restored from a backup that is older than the event.</summary>
    public void Forget(string id)
    {
        lock (_gate)
        {
            _rows.RemoveAll(row => row.Event.GetProperty("id").ValueEquals(id));
            _known.RemoveWhere(identity => identity.Id == id);
            if (_byId.Remove(id))
            {
                var history = _histories.GetValueOrDefault(id, OpenMeterHistory.None);
                _histories[id] = history with { Forgotten = history.Forgotten + 1 };
            }
        }
    }

    /// <summary>A row that nobody's request put there.</summary>
    public void Put(JsonElement value)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            Store(new OpenMeterRow(value, now, now));
        }
    }

    public IReadOnlyList<JsonElement> Snapshot()
    {
        lock (_gate)
        {
            return [.. _rows.Select(row => row.Event)];
        }
    }

    /// <summary>What can be seen by now of these ids; of all when there are none.</summary>
    public IReadOnlyList<OpenMeterRow> Visible(IReadOnlyCollection<string>? ids)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var rows = ids is null ? _rows : ids.Distinct().SelectMany(id => _byId.GetValueOrDefault(id) ?? []);
            return [.. rows.Where(row => row.VisibleAt <= now)];
        }
    }

    public async Task<IReadOnlyList<JsonElement>> WaitForAsync(int count, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_rows.Count >= count)
                {
                    return [.. _rows.Select(row => row.Event)];
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Identity is source and id alone: the first of two payloads wins.</summary>
    public static (string Source, string Id) IdentityOf(JsonElement value) =>
        (value.GetProperty("source").GetString()!, value.GetProperty("id").GetString()!);

    private void Accept(JsonElement value, bool deduplicate, DateTimeOffset now, DateTimeOffset visibleAt, EventFate fate)
    {
        var identity = IdentityOf(value);
        if (fate == EventFate.Lost || _claimed.Contains(identity))
        {
            _lost++;
            Note([value], history => history with { Lost = history.Lost + 1 });
            return;
        }

        var isNew = _known.Add(identity);
        if (!isNew)
        {
            _duplicates++;
        }

        if (isNew || !deduplicate)
        {
            Store(new OpenMeterRow(value.Clone(), now, visibleAt));
        }

        if (fate == EventFate.Doubled)
        {
            Store(new OpenMeterRow(value.Clone(), now, visibleAt));
        }
    }

    private void Note(IEnumerable<JsonElement> events, Func<OpenMeterHistory, OpenMeterHistory> change)
    {
        lock (_gate)
        {
            foreach (var id in events.Select(value => value.GetProperty("id").GetString()!))
            {
                _histories[id] = change(_histories.GetValueOrDefault(id, OpenMeterHistory.None));
            }
        }
    }

    private void Store(OpenMeterRow row)
    {
        _rows.Add(row);
        var id = row.Event.GetProperty("id").GetString()!;
        if (!_byId.TryGetValue(id, out var same))
        {
            _byId[id] = same = [];
        }

        same.Add(row);
        _arrivals.Writer.TryWrite(row.Event);
    }
}
