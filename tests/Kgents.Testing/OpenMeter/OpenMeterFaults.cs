namespace Kgents.Testing;

internal sealed record ScriptedFailure(int Status, TimeSpan? RetryAfter);

/// <summary>What a test has asked the stand-in to do wrong, each for a number of requests.</summary>
internal sealed class OpenMeterFaults
{
    private readonly Lock _gate = new();
    private readonly Queue<ScriptedFailure> _failures = new();
    private TaskCompletionSource? _hanging;
    private int _repliesToLose;

    public bool Hang
    {
        get
        {
            lock (_gate)
            {
                return _hanging is not null;
            }
        }

        set
        {
            lock (_gate)
            {
                if (value)
                {
                    _hanging ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                else
                {
                    _hanging?.TrySetResult();
                    _hanging = null;
                }
            }
        }
    }

    public void Fail(int status, int times, TimeSpan? retryAfter)
    {
        lock (_gate)
        {
            for (var i = 0; i < times; i++)
            {
                _failures.Enqueue(new ScriptedFailure(status, retryAfter));
            }
        }
    }

    public void LoseReplies(int times)
    {
        lock (_gate)
        {
            _repliesToLose += times;
        }
    }

    public Task WaitWhileHangingAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _hanging?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;
        }
    }

    public ScriptedFailure? TakeFailure()
    {
        lock (_gate)
        {
            return _failures.TryDequeue(out var failure) ? failure : null;
        }
    }

    public bool TakeLostReply()
    {
        lock (_gate)
        {
            if (_repliesToLose is 0)
            {
                return false;
            }

            _repliesToLose--;
            return true;
        }
    }
}
