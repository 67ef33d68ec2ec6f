using System.Collections.Concurrent;

namespace Kgents.Tests.Hosting;

/// <summary>The real time, but for one length of it: timers of that length, or of several times that, end when the test says so, and never before, however slow the machine is.</summary>
internal sealed class SilenceClock : TimeProvider
{
    /// <summary>The length, as a setting; nothing else has it.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(541);

    private readonly ConcurrentDictionary<HeldTimer, bool> waiting = new();
    private long begun;

    /// <summary>How often a timer of the length was begun.</summary>
    public long Begun => Volatile.Read(ref begun);

    /// <summary>Whether there is such a timer now.</summary>
    public bool IsRunning => !waiting.IsEmpty;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HeldTimer(this, base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits until a timer of the length runs, and ends it.</summary>
    public Task EndAsync() => Eventually.TrueAsync(TryEnd);

    /// <summary>Ends a timer of the length, if one runs now.</summary>
    public bool TryEnd() => waiting.Keys.FirstOrDefault() is { } timer && timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

    private sealed class HeldTimer(SilenceClock clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var isHeld = dueTime >= Silence && dueTime.Ticks % Silence.Ticks == 0;
            if (isHeld)
            {
                clock.waiting[this] = true;
                Interlocked.Increment(ref clock.begun);
            }
            else
            {
                clock.waiting.TryRemove(this, out _);
            }

            return timer.Change(isHeld ? Timeout.InfiniteTimeSpan : dueTime, period);
        }

        public void Dispose()
        {
            clock.waiting.TryRemove(this, out _);
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
