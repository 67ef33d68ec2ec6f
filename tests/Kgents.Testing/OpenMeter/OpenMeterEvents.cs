using System.Text.Json;
using System.Threading.Channels;

namespace Kgents.Testing;

/// <summary>The events that the stand-in has accepted, in order.</summary>
internal sealed class OpenMeterEvents
{
    private readonly Lock _gate = new();
    private readonly List<JsonElement> _accepted = [];
    private readonly HashSet<(string Source, string Id)> _known = [];
    private readonly Channel<JsonElement> _arrivals = Channel.CreateBounded<JsonElement>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest });
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _duplicates;

    public ChannelReader<JsonElement> Arrivals => _arrivals.Reader;

    public int Duplicates => Volatile.Read(ref _duplicates);

    public void Accept(IEnumerable<JsonElement> events, bool deduplicate)
    {
        lock (_gate)
        {
            foreach (var value in events)
            {
                var isNew = _known.Add(IdentityOf(value));
                if (!isNew)
                {
                    _duplicates++;
                }

                if (isNew || !deduplicate)
                {
                    var kept = value.Clone();
                    _accepted.Add(kept);
                    _arrivals.Writer.TryWrite(kept);
                }
            }

            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public IReadOnlyList<JsonElement> Snapshot()
    {
        lock (_gate)
        {
            return _accepted.ToArray();
        }
    }

    public async Task<IReadOnlyList<JsonElement>> WaitForAsync(int count, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_accepted.Count >= count)
                {
                    return _accepted.ToArray();
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Identity is source and id alone: the first of two payloads wins.</summary>
    public static (string Source, string Id) IdentityOf(JsonElement value) =>
        (value.GetProperty("source").GetString()!, value.GetProperty("id").GetString()!);
}
