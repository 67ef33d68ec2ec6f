using System.Runtime.CompilerServices;
using System.Text;

namespace Kgents.Flux;

/// <summary>Brings events to a soul, one at a time, counts what they cost, and shows what comes of them to the mirror.</summary>
#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asked for holds nothing to dispose.
internal sealed class FluxMind(Soul soul, KgentFluxOptions options, TimeProvider time)
#pragma warning restore CA1001
{
    private readonly Lock gate = new();
    private readonly SemaphoreSlim attention = new(1, 1);
    private double entropy = options.EntropyBudget;
    private long processed;
    private bool isClosed;

    public FluxMirror? Mirror { get; set; }

    public long Processed
    {
        get
        {
            lock (gate)
            {
                return processed;
            }
        }
    }

    public double Entropy
    {
        get
        {
            lock (gate)
            {
                return entropy;
            }
        }
    }

    /// <summary>No event is taken any more: it was closed, or the entropy is spent.</summary>
    public bool IsClosed
    {
        get
        {
            lock (gate)
            {
                return isClosed || entropy <= 0;
            }
        }
    }

    public void Close()
    {
        lock (gate)
        {
            isClosed = true;
        }
    }

    /// <summary>Takes events again, and has counted none.</summary>
    public void Reopen()
    {
        lock (gate)
        {
            (isClosed, processed, entropy) = (false, 0, options.EntropyBudget);
        }
    }

    /// <summary>What the soul makes of an event. A fault of that is an event too.</summary>
    /// <exception cref="FluxStoppedException">No event is taken any more.</exception>
    public async Task<SoulEvent> HandleAsync(SoulEvent soulEvent, CancellationToken cancellationToken)
    {
        SoulEvent result;
        try
        {
            result = soulEvent is DialogueTurn { Reply: null } turn ? await ReplyAsync(turn, cancellationToken) : await AnswerAsync(soulEvent, cancellationToken);
        }
        catch (Exception exception) when (exception is not FluxStoppedException && !cancellationToken.IsCancellationRequested)
        {
            // The text of an exception may quote a prompt or a key: it stays inside.
            result = new SoulError("The event could not be answered.", exception.GetType().Name, soulEvent.Kind)
            {
                Timestamp = time.GetUtcNow(),
                CorrelationId = soulEvent.CorrelationId,
                SoulState = soul.State,
            };
        }

        Mirror?.Show(result);
        return result;
    }

    /// <summary>The answer to a message, straight from the soul to the reader: no buffer, and no other thread. A fault of the model is thrown.</summary>
    /// <exception cref="FluxStoppedException">No event is taken any more.</exception>
    public async IAsyncEnumerable<FluxEvent> SpeakAsync(DialogueTurn turn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await attention.WaitAsync(cancellationToken);
        try
        {
            Spend();
            var chunk = 0;
            await foreach (var fluxEvent in soul.RespondAsync(turn, cancellationToken))
            {
                if (fluxEvent is FluxText text)
                {
                    Mirror?.Show(turn with { Timestamp = time.GetUtcNow(), Reply = new DialogueReply(text.Text, Chunk: chunk) });
                    chunk++;
                }

                yield return fluxEvent;
            }
        }
        finally
        {
            attention.Release();
        }
    }

    public Pulse MakePulse()
    {
        var pulse = new Pulse(IsHealthy: !IsClosed) { Timestamp = time.GetUtcNow(), SoulState = soul.State };
        Mirror?.Show(pulse);
        return pulse;
    }

    private async Task<SoulEvent> AnswerAsync(SoulEvent soulEvent, CancellationToken cancellationToken)
    {
        await attention.WaitAsync(cancellationToken);
        try
        {
            Spend();
            return soulEvent is InterceptRequest request ? await soul.JudgeAsync(request, cancellationToken) : soul.Answer(soulEvent);
        }
        finally
        {
            attention.Release();
        }
    }

    private async Task<SoulEvent> ReplyAsync(DialogueTurn turn, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var chunks = 0;
        long tokens = 0;
        var wasTemplate = false;
        await foreach (var fluxEvent in SpeakAsync(turn, cancellationToken))
        {
            switch (fluxEvent)
            {
                case FluxText piece:
                    text.Append(piece.Text);
                    chunks++;
                    break;
                case FluxMetadata metadata:
                    tokens = (metadata.Usage?.InputTokenCount ?? 0) + (metadata.Usage?.OutputTokenCount ?? 0);
                    wasTemplate = metadata.WasTemplate;
                    break;
            }
        }

        return turn with { Timestamp = time.GetUtcNow(), SoulState = soul.State, Reply = new DialogueReply(text.ToString(), tokens, wasTemplate, Chunks: chunks) };
    }

    /// <summary>Every event counts, and costs, whatever becomes of it.</summary>
    private void Spend()
    {
        lock (gate)
        {
            if (isClosed || entropy <= 0)
            {
                throw new FluxStoppedException(options.Id);
            }

            processed++;
            entropy -= options.EntropyDecay;
        }
    }
}
