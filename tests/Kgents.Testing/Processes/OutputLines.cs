namespace Kgents.Testing;

/// <summary>The last lines that a process wrote, and a way to wait for one.</summary>
internal sealed class OutputLines(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private TaskCompletionSource _changed = NewSignal();
    private long _written;
    private bool _ended;

    public IReadOnlyList<string> Snapshot()
    {
        lock (_gate)
        {
            return _lines.ToArray();
        }
    }

    /// <summary>The last lines as one text, for an exception's message.</summary>
    public string Tail(int lines = 40) => string.Join('\n', Snapshot().TakeLast(lines));

    public void Add(string line)
    {
        lock (_gate)
        {
            if (_lines.Count == capacity)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
            _written++;
            Signal();
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            Signal();
        }
    }

    /// <summary>The first line, written already or yet to come, that matches; null when the output ends without it.</summary>
    public async Task<string?> WaitForAsync(Func<string, bool> predicate, CancellationToken cancellationToken)
    {
        long seen = 0;
        while (true)
        {
            string[] fresh;
            Task changed;
            bool ended;
            lock (_gate)
            {
                fresh = [.. _lines.Skip((int)Math.Max(0, _lines.Count - (_written - seen)))];
                seen = _written;
                changed = _changed.Task;
                ended = _ended;
            }

            if (fresh.FirstOrDefault(predicate) is { } line)
            {
                return line;
            }

            if (ended)
            {
                return null;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }
}
