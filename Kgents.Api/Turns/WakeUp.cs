using System.Threading.Tasks.Sources;

namespace Kgents.Api.Turns;

/// <summary>
/// Wakes one waiter, now or when it comes to wait; several calls before that are one. Thousands wait for each event, so a wait allocates nothing:
/// there is one promise, used again and again, and it is its own work item. Who waits sees everything that was done before the call that woke it.
/// </summary>
internal sealed class WakeUp : IValueTaskSource, IThreadPoolWorkItem
{
    // Always exchanged, which is a full fence: what a waiter reads after it was woken it must not have read before, or a call between the two is lost.
    private const int Quiet = 0;
    private const int Waiting = 1;
    private const int Called = 2;

    private ManualResetValueTaskSourceCore<bool> promise;
    private int state;

    /// <summary>From any thread.</summary>
    public void Call()
    {
        // A promise that was kept stays `Called` until its waiter takes it: until then nobody touches it again.
        if (Interlocked.Exchange(ref state, Called) == Waiting)
        {
            // Never on the caller's thread, which may hold a lock.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>One waiter at a time, which awaits what it is given once, and at once.</summary>
    public ValueTask WaitAsync()
    {
        promise.Reset();
        if (Interlocked.CompareExchange(ref state, Waiting, Quiet) == Quiet)
        {
            return new ValueTask(this, promise.Version);
        }

        Interlocked.Exchange(ref state, Quiet);
        return ValueTask.CompletedTask;
    }

    void IThreadPoolWorkItem.Execute() => promise.SetResult(true);

    void IValueTaskSource.GetResult(short token)
    {
        promise.GetResult(token);
        Interlocked.Exchange(ref state, Quiet);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => promise.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        promise.OnCompleted(continuation, state, token, flags);
}
