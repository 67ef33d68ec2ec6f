using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>
/// The one timer of all that is followed here: it wakes who has heard nothing for a while, to look at the end of the log and to send heartbeats; and all, to look at the end of
/// the log, when the connection to NATS was lost and is there again.
/// </summary>
internal sealed class IdleClock : IDisposable
{
    /// <summary>How late it may be, as a part of the silence.</summary>
    private const int TicksPerSilence = 4;

    private readonly Lock gate = new();
    private readonly HashSet<LiveEvents> followed = [];
    private readonly TimeSpan silence;
    private readonly ITimer timer;
    private readonly INatsConnection connection;

    public IdleClock(INatsConnection connection, IOptions<TurnStreamOptions> options, TimeProvider time)
    {
        this.connection = connection;
        connection.ConnectionOpened += OnConnectedAsync;
        var (tail, heartbeat) = (options.Value.TailCheckInterval, options.Value.HeartbeatInterval);
        silence = tail < heartbeat ? tail : heartbeat;
        timer = time.CreateTimer(_ => Tick(), null, silence / TicksPerSilence, silence / TicksPerSilence);
    }

    /// <summary>How many are woken.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return followed.Count;
            }
        }
    }

    /// <summary>Wakes it whenever it has been idle for a while, until what this returns is disposed of.</summary>
    public Waking Wake(LiveEvents live)
    {
        lock (gate)
        {
            followed.Add(live);
        }

        return new Waking(this, live);
    }

    public void Dispose()
    {
        connection.ConnectionOpened -= OnConnectedAsync;
        timer.Dispose();
    }

    private ValueTask OnConnectedAsync(object? sender, NatsEventArgs connected)
    {
        lock (gate)
        {
            foreach (var live in followed)
            {
                live.WakeReconnected();
            }
        }

        return ValueTask.CompletedTask;
    }

    private void Tick()
    {
        lock (gate)
        {
            foreach (var live in followed)
            {
                live.WakeIfIdle(silence);
            }
        }
    }

    /// <summary>One that is woken.</summary>
    internal readonly struct Waking(IdleClock clock, LiveEvents live) : IDisposable
    {
        public void Dispose()
        {
            lock (clock.gate)
            {
                clock.followed.Remove(live);
            }
        }
    }
}
