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

    /// <summary>
    /// How many of a chain are woken by one work item; the rest comes after what they have set off. Waking is cheaper than a work item, and what many viewers
    /// write is sent before the others write: it lies in as many buffers as viewers are woken at a time.
    /// </summary>
    private const int Together = 32;

    private ManualResetValueTaskSourceCore<bool> promise;
    private int state;
    private WakeUp? next;

    /// <summary>Where it stands; only <see cref="Watchers"/> uses it.</summary>
    public int Place { get; set; }

    /// <summary>From any thread.</summary>
    public void Call()
    {
        if (TryCall())
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

    void IThreadPoolWorkItem.Execute()
    {
        var called = this;
        for (var count = 0; called is not null; count++)
        {
            if (count == Together)
            {
                ThreadPool.UnsafeQueueUserWorkItem(called, preferLocal: false);
                return;
            }

            // Whoever is woken may wait, and be called, again at once.
            var rest = called.next;
            called.next = null;
            called.promise.SetResult(true);
            called = rest;
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        promise.GetResult(token);
        Interlocked.Exchange(ref state, Quiet);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => promise.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        promise.OnCompleted(continuation, state, token, flags);

    /// <summary>True when somebody waits, whom the caller has to wake. A promise that was kept stays `Called` until its waiter takes it: until then nobody touches it again.</summary>
    private bool TryCall() => Interlocked.Exchange(ref state, Called) == Waiting;

    /// <summary>Many that are called together. For one thread at a time.</summary>
    internal sealed class Chains
    {
        /// <summary>As many are woken at the same time.</summary>
        private readonly WakeUp?[] firsts = new WakeUp?[Environment.ProcessorCount];
        private int shortest;

        public void Add(WakeUp one)
        {
            if (one.TryCall())
            {
                one.next = firsts[shortest];
                firsts[shortest] = one;
                shortest = (shortest + 1) % firsts.Length;
            }
        }

        public void Call()
        {
            foreach (ref var first in firsts.AsSpan())
            {
                if (first is not null)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(first, preferLocal: false);
                    first = null;
                }
            }

            shortest = 0;
        }
    }
}
