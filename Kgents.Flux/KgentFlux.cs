using System.Runtime.CompilerServices;

namespace Kgents.Flux;

/// <summary>
/// K-gent as a stream: events in, what the soul makes of them out, one at a time. While no stream flows, an event is processed by itself; while one does, an event
/// from outside goes into it, before the stream's next one, and its answer goes to who brought it. It knows no queue, no HTTP and no tenant.
/// </summary>
public sealed class KgentFlux : IAsyncDisposable
{
    private readonly KgentFluxOptions options;
    private readonly TimeProvider time;
    private readonly FluxMind mind;
    private readonly FluxVisits visits;
    private readonly Lock gate = new();
    private FluxState state = FluxState.Dormant;
    private FluxRun? run;
    private Task running = Task.CompletedTask;

    public KgentFlux(Soul soul, KgentFluxOptions? options = null, TimeProvider? time = null)
    {
        this.options = (options ?? new KgentFluxOptions()).Validated();
        this.time = time ?? TimeProvider.System;
        mind = new FluxMind(soul, this.options, this.time);
        visits = new FluxVisits(mind, this.options, this.time);
    }

    public string Id => options.Id;

    public FluxState State
    {
        get
        {
            lock (gate)
            {
                return mind.IsClosed ? FluxState.Stopped : state;
            }
        }
    }

    public bool IsDormant => State is FluxState.Dormant;

    public bool IsRunning => State is FluxState.Flowing or FluxState.Draining;

    /// <summary>Since the last start from stopped, or since there is this flux.</summary>
    public long EventsProcessed => mind.Processed;

    public double EntropyRemaining => mind.Entropy;

    /// <summary>What it shows: each event that the soul answers, and each piece of what it says. Null for nobody.</summary>
    public FluxMirror? Mirror
    {
        get => mind.Mirror;
        set => mind.Mirror = value;
    }

    /// <summary>
    /// Lets a stream flow: what the soul makes of each event of the source, in its order. The source is read no faster than the output is. Who leaves the output
    /// stops the flux.
    /// </summary>
    /// <exception cref="InvalidOperationException">A stream flows already.</exception>
    public IAsyncEnumerable<SoulEvent> Start(IAsyncEnumerable<SoulEvent> source)
    {
        lock (gate)
        {
            if (State is FluxState.Flowing or FluxState.Draining)
            {
                throw new InvalidOperationException($"{Id} is {State} already.");
            }

            if (State is FluxState.Stopped)
            {
                mind.Reopen();
            }

            state = FluxState.Flowing;
            var started = run = new FluxRun(mind, options, time);
            running = RunAsync(started, source, running);
            return ReadAsync(started, CancellationToken.None);
        }
    }

    /// <summary>What the soul makes of an event. A fault of that is a <see cref="SoulError"/>.</summary>
    /// <exception cref="FluxStoppedException">The flux is stopped, or stops before it comes to the event or to its end.</exception>
    /// <exception cref="TimeoutException">A flowing stream did not get it done in time; the work is stopped.</exception>
    public async Task<SoulEvent> InvokeAsync(SoulEvent soulEvent, CancellationToken cancellationToken) =>
        Flowing() is { } flowing ? await visits.InvokeAsync(flowing, soulEvent, cancellationToken) : await mind.HandleAsync(soulEvent, cancellationToken);

    /// <summary>The answer to a message, each piece as it comes, and last what is known of the call. A fault of the model is thrown.</summary>
    /// <exception cref="FluxStoppedException">The flux is stopped, or stops before it comes to the message or to its end.</exception>
    /// <exception cref="TimeoutException">A flowing stream did not get it done in time; the work is stopped.</exception>
    public IAsyncEnumerable<FluxEvent> RespondAsync(DialogueTurn turn, CancellationToken cancellationToken) =>
        Flowing() is { } flowing ? visits.SpeakAsync(flowing, turn, cancellationToken) : mind.SpeakAsync(turn, cancellationToken);

    /// <summary>Stops at once: who waits is told, the work under way is stopped, the source is let go. What is in the output can still be read.</summary>
    public async Task StopAsync()
    {
        Task ending;
        lock (gate)
        {
            mind.Close();
            run?.Stop();
            ending = running;
        }

        await ending;
    }

    /// <summary>Waits until no stream flows any more.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return running.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Makes a stopped flux dormant, with all its entropy.</summary>
    /// <exception cref="InvalidOperationException">It is not stopped.</exception>
    public void Reset()
    {
        lock (gate)
        {
            if (State is not FluxState.Stopped)
            {
                throw new InvalidOperationException($"{Id} is {State}; only a stopped flux can be reset.");
            }

            (state, run) = (FluxState.Dormant, null);
            mind.Reopen();
        }
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    /// <summary>The stream that flows; null while dormant.</summary>
    private FluxRun? Flowing()
    {
        lock (gate)
        {
            return State switch
            {
                FluxState.Dormant => null,
                FluxState.Stopped => throw new FluxStoppedException(Id),
                _ => run,
            };
        }
    }

    private async Task RunAsync(FluxRun started, IAsyncEnumerable<SoulEvent> source, Task before)
    {
        // Not in the caller's lock: a source may work before it first waits. One stream at a time, also when the last one is still being let go.
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await started.RunAsync(source, () => Move(started, FluxState.Draining));
        Move(started, FluxState.Stopped);
    }

    /// <summary>What becomes of a stream counts only until the next one is started.</summary>
    private void Move(FluxRun started, FluxState to)
    {
        lock (gate)
        {
            if (run == started)
            {
                state = to;
            }
        }
    }

    private static async IAsyncEnumerable<SoulEvent> ReadAsync(FluxRun started, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var isLeft = true;
        try
        {
            await foreach (var soulEvent in started.Output.ReadAllAsync(cancellationToken))
            {
                yield return soulEvent;
            }

            isLeft = false;
        }
        finally
        {
            if (isLeft)
            {
                // Nobody else can take the rest: a stream that is left early must not wait for ever.
                started.Stop();
            }
        }
    }
}
