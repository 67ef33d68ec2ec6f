using System.Threading.Channels;

namespace Kgents.Flux;

/// <summary>
/// One flowing stream of a <see cref="KgentFlux"/>, from its start to its stop: takes what comes, one event at a time, visitors before the source. Every buffer is
/// bounded and waits. A read of the source that is under way is left alone, however long it takes and whatever else happens; only a stop cancels it.
/// </summary>
#pragma warning disable CA1001 // A cancellation source without a timer holds nothing to dispose, and who reads the output may stop it at any time.
internal sealed class FluxRun(FluxMind mind, KgentFluxOptions options, TimeProvider time)
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Channel<SoulEvent> output = Channel.CreateBounded<SoulEvent>(new BoundedChannelOptions(options.BufferSize) { SingleWriter = true });
    private readonly Channel<Visitor> visitors = Channel.CreateBounded<Visitor>(new BoundedChannelOptions(options.BufferSize) { SingleReader = true });

    public CancellationToken Stopping => stopping.Token;

    public ChannelReader<SoulEvent> Output => output.Reader;

    public void Stop() => stopping.Cancel();

    /// <summary>First come, first served. Waits when too many wait already.</summary>
    /// <exception cref="ChannelClosedException">The run takes no more.</exception>
    public ValueTask BringAsync(Visitor visitor, CancellationToken cancellationToken) => visitors.Writer.WriteAsync(visitor, cancellationToken);

    /// <summary>Runs to the end: of the source and of all that waits, or of the entropy, or a stop. Never throws: a fault of the source is the output's.</summary>
    /// <param name="drains">Called when the source has ended.</param>
    public async Task RunAsync(IAsyncEnumerable<SoulEvent> source, Action drains)
    {
        Exception? fault = null;
        try
        {
            try
            {
                await FlowAsync(source);
            }
            catch (Exception exception) when (!Stopping.IsCancellationRequested)
            {
                fault = exception;
            }

            drains();
            output.Writer.TryComplete(fault);
            await DrainAsync();
        }
        catch (Exception) when (Stopping.IsCancellationRequested)
        {
            // Stopped, which also ends a source that says something else about it. What is in the output can still be read.
        }
        finally
        {
            output.Writer.TryComplete(fault);
            TurnAwayVisitors();
        }
    }

    /// <summary>Ends with the source, or when the entropy is spent.</summary>
    private async Task FlowAsync(IAsyncEnumerable<SoulEvent> source)
    {
        using var pulse = options.PulseInterval is { } interval ? new PeriodicTimer(interval, time) : null;
        var reader = source.GetAsyncEnumerator(Stopping);
        Task<bool>? next = null, visited = null, writable = null;
        var beat = pulse?.WaitForNextTickAsync(Stopping).AsTask();
        SoulEvent? outgoing = null;
        try
        {
            while (!mind.IsClosed || outgoing is not null)
            {
                Stopping.ThrowIfCancellationRequested();
                if (mind.IsClosed)
                {
                    // Nothing but the last event is left to be done, and nobody waits for what will not come.
                    TurnAwayVisitors();
                    await output.Writer.WriteAsync(outgoing!, Stopping);
                    outgoing = null;
                }
                else if (outgoing is not null && output.Writer.TryWrite(outgoing))
                {
                    outgoing = null;
                }
                else if (visitors.Reader.TryRead(out var visitor))
                {
                    await visitor.AdmitAsync();
                }
                else if (outgoing is not null)
                {
                    // The output is full: nothing more is read until somebody reads it. Visitors still come in.
                    writable = Pending(writable) ?? output.Writer.WaitToWriteAsync(Stopping).AsTask();
                    visited = Pending(visited) ?? visitors.Reader.WaitToReadAsync(Stopping).AsTask();
                    await Task.WhenAny(writable, visited);
                }
                else if (beat is { IsCompleted: true })
                {
                    outgoing = mind.MakePulse();
                    beat = pulse!.WaitForNextTickAsync(Stopping).AsTask();
                }
                else if ((next ??= reader.MoveNextAsync().AsTask()).IsCompleted)
                {
                    if (!await next)
                    {
                        return;
                    }

                    next = null;
                    outgoing = await mind.HandleAsync(reader.Current, Stopping);
                }
                else
                {
                    visited = Pending(visited) ?? visitors.Reader.WaitToReadAsync(Stopping).AsTask();
                    await (beat is null ? Task.WhenAny(next, visited) : Task.WhenAny(next, visited, beat));
                }
            }
        }
        finally
        {
            await CloseAsync(reader, next);
        }
    }

    /// <summary>Visitors are let in until the last event of the output is read; those that came before that, too.</summary>
    private async Task DrainAsync()
    {
        Task<bool>? visited = null;
        while (!mind.IsClosed)
        {
            Stopping.ThrowIfCancellationRequested();
            if (output.Reader.Completion.IsCompleted)
            {
                visitors.Writer.TryComplete();
            }

            if (visitors.Reader.TryRead(out var visitor))
            {
                await visitor.AdmitAsync();
            }
            else if (visitors.Reader.Completion.IsCompleted)
            {
                return;
            }
            else
            {
                visited = Pending(visited) ?? visitors.Reader.WaitToReadAsync(Stopping).AsTask();
                await Task.WhenAny(output.Reader.Completion, visited);
            }
        }
    }

    private void TurnAwayVisitors()
    {
        visitors.Writer.TryComplete();
        while (visitors.Reader.TryRead(out var late))
        {
            late.TurnAway(new FluxStoppedException(options.Id));
        }
    }

    /// <summary>A source cannot be disposed of while it is read.</summary>
    private async Task CloseAsync(IAsyncEnumerator<SoulEvent> reader, Task<bool>? next)
    {
        if (next is { IsCompleted: false })
        {
            // Only at the end of the entropy; at a stop this has happened.
            await stopping.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await reader.DisposeAsync();
    }

    /// <summary>A wait that is not over is waited for again, and never begun twice.</summary>
    private static Task<bool>? Pending(Task<bool>? wait) => wait is { IsCompleted: false } ? wait : null;
}
