using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Kgents.Flux;

/// <summary>What comes from outside into a stream that flows, and the answer to who brought it.</summary>
internal sealed class FluxVisits(FluxMind mind, KgentFluxOptions options, TimeProvider time)
{
    /// <summary>Pieces of an answer that wait for who brought the message.</summary>
    private const int SpokenAhead = 16;

    public async Task<SoulEvent> InvokeAsync(FluxRun flowing, SoulEvent soulEvent, CancellationToken cancellationToken)
    {
        SoulEvent? result = null;
        await VisitAsync(flowing, async token => result = await mind.HandleAsync(soulEvent, token), cancellationToken);
        return result!;
    }

    public async IAsyncEnumerable<FluxEvent> SpeakAsync(FluxRun flowing, DialogueTurn turn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var spoken = Channel.CreateBounded<FluxEvent>(new BoundedChannelOptions(SpokenAhead) { SingleReader = true, SingleWriter = true });
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var visiting = SpeakToAsync(spoken.Writer, flowing, turn, leaving.Token);
        try
        {
            await foreach (var fluxEvent in spoken.Reader.ReadAllAsync(cancellationToken))
            {
                yield return fluxEvent;
            }
        }
        finally
        {
            await leaving.CancelAsync();
            await visiting;
        }
    }

    /// <summary>Never throws: what goes wrong, the reader of the channel is told.</summary>
    private async Task SpeakToAsync(ChannelWriter<FluxEvent> spoken, FluxRun flowing, DialogueTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            await VisitAsync(flowing, WriteAsync, cancellationToken);
            spoken.Complete();
        }
        catch (Exception exception)
        {
            spoken.Complete(exception);
        }

        async Task WriteAsync(CancellationToken token)
        {
            await foreach (var fluxEvent in mind.SpeakAsync(turn, token))
            {
                await spoken.WriteAsync(fluxEvent, token);
            }
        }
    }

    /// <summary>Brings work to the stream and waits for it, but not longer than it may take.</summary>
    private async Task VisitAsync(FluxRun flowing, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.PerturbationTimeout, time);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token, flowing.Stopping);
        var visitor = new Visitor(work, leaving.Token);
        try
        {
            await flowing.BringAsync(visitor, leaving.Token);
            await visitor.Done.WaitAsync(leaving.Token);
        }
        catch (OperationCanceledException) when (visitor.Done.IsCompletedSuccessfully)
        {
            // It was done just before: the answer is there.
        }
        catch (ChannelClosedException)
        {
            throw new FluxStoppedException(options.Id);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && flowing.Stopping.IsCancellationRequested)
        {
            throw new FluxStoppedException(options.Id);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && patience.IsCancellationRequested)
        {
            throw new TimeoutException($"{options.Id} did not come to it, or to its end, within {options.PerturbationTimeout}.");
        }
    }
}
