using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Kgents.Flux;

/// <summary>
/// Shows what a flux does to any number of observers. The flux writes and never waits: an observer sees the last events first and then what comes, in order and
/// with no hole; one that falls behind is let go, and its stream says so.
/// </summary>
/// <param name="history">Events that a new observer sees first, and how far one may fall behind.</param>
public sealed class FluxMirror(int history = 100)
{
    private readonly int history = history > 0 ? history : throw new ArgumentOutOfRangeException(nameof(history), history, "must be 1 or more");
    private readonly Lock gate = new();
    private readonly Queue<SoulEvent> past = new();
    private readonly List<Channel<SoulEvent>> observers = [];

    /// <summary>How many observers there are.</summary>
    public int Observers
    {
        get
        {
            lock (gate)
            {
                return observers.Count;
            }
        }
    }

    /// <summary>Observes from the call on, also before the stream is read. It ends when the reader leaves.</summary>
    /// <exception cref="FluxObserverTooSlowException">While reading: the observer fell behind, after it has read all until then.</exception>
    public IAsyncEnumerable<SoulEvent> Observe()
    {
        // Room for what is past, and for as much to come.
        var channel = Channel.CreateBounded<SoulEvent>(new BoundedChannelOptions(2 * history) { SingleReader = true });
        lock (gate)
        {
            foreach (var soulEvent in past)
            {
                channel.Writer.TryWrite(soulEvent);
            }

            observers.Add(channel);
        }

        return ReadAsync(channel, CancellationToken.None);
    }

    /// <summary>Never waits, never throws.</summary>
    internal void Show(SoulEvent soulEvent)
    {
        lock (gate)
        {
            past.Enqueue(soulEvent);
            if (past.Count > history)
            {
                past.Dequeue();
            }

            observers.RemoveAll(observer => !observer.Writer.TryWrite(soulEvent) && observer.Writer.TryComplete(new FluxObserverTooSlowException()));
        }
    }

    private async IAsyncEnumerable<SoulEvent> ReadAsync(Channel<SoulEvent> channel, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var soulEvent in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return soulEvent;
            }
        }
        finally
        {
            lock (gate)
            {
                observers.Remove(channel);
            }
        }
    }
}

/// <summary>An observer took events more slowly than they came, and was let go.</summary>
public sealed class FluxObserverTooSlowException() : Exception("The observer fell behind and was let go.");
