using System.Text;
using System.Threading.Channels;
using Kgents.Contracts;
using Kgents.Flux;
using Kgents.Streaming.Telemetry;
using Kgents.Streaming.Usage;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Carries the model's text into the log with one append in flight. The first piece leaves at once; pieces that come while its ack is awaited
/// leave together in the next event, so load coalesces by itself and no timer delays anything.
/// </summary>
internal sealed class TokenPump(TurnMetrics metrics, IOptions<TurnOptions> options, TimeProvider time)
{
    /// <summary>Reads the source to its end, or to its fault, and appends all that it gave before that.</summary>
    /// <param name="readAhead">Pieces that may wait while an append is under way.</param>
    /// <param name="running">Tells now and then what the turn has used so far; null when that is nothing.</param>
    /// <param name="cancelled">Somebody cancels the turn: the model is let go at once, and what it said so far is kept.</param>
    /// <exception cref="FenceLostException">Another worker has the turn; the source is cancelled.</exception>
    public async Task<PumpedReply> RelayAsync(
        Func<CancellationToken, IAsyncEnumerable<FluxEvent>> source, TurnLog log, int readAhead, RunningCount? running, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, cancelled);
        var pieces = Channel.CreateBounded<string>(new BoundedChannelOptions(readAhead) { SingleReader = true, SingleWriter = true });
        var read = ReadAsync(source, pieces.Writer, reading.Token);
        try
        {
            var reply = await AppendAsync(pieces.Reader, log, running, cancellationToken);
            if (!reply.TooLong)
            {
                var (metadata, fault) = await read;
                cancellationToken.ThrowIfCancellationRequested();
                return cancelled.IsCancellationRequested && fault is not null
                    ? reply with { Cancelled = true }
                    : reply with { Metadata = metadata, Fault = fault };
            }

            return reply;
        }
        finally
        {
            // Closes the connection to the model, if it is still open, before anybody can think that the turn is over.
            await reading.CancelAsync();
            await read;
        }
    }

    private async Task<PumpedReply> AppendAsync(ChannelReader<string> pieces, TurnLog log, RunningCount? running, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var ready = new StringBuilder();
        var bytes = 0;
        var chunks = 0;
        long? firstStored = null;
        var told = time.GetTimestamp();
        while (await pieces.WaitToReadAsync(cancellationToken))
        {
            var came = time.GetTimestamp();
            ready.Clear();
            while (pieces.TryRead(out var piece))
            {
                ready.Append(piece);
            }

            var payload = TurnEventCodec.Encode(new TurnChunk(ready.ToString(), chunks));
            bytes += payload.Length;
            if (bytes > options.Value.MaxReplyBytes)
            {
                // Before the append, so that neither this chunk nor the whole text can be larger than a message may be.
                return new PumpedReply(text.ToString(), chunks, TooLong: true) { FirstStored = firstStored };
            }

            await log.AppendAsync(TurnEventCodec.Chunk, payload, cancellationToken);
            text.Append(ready);
            if (chunks++ == 0)
            {
                firstStored = time.GetTimestamp();
                metrics.Added(time.GetElapsedTime(came, firstStored.Value));
            }

            if (running is { HasBegun: true } && time.GetElapsedTime(told) >= options.Value.UsageInterval)
            {
                // With a chunk and never between two of them: no timer, and a model that is silent uses nothing.
                await log.AppendAsync(new TurnUsage(running.Count(text), Final: false), cancellationToken);
                told = time.GetTimestamp();
            }
        }

        return new PumpedReply(text.ToString(), chunks, TooLong: false) { FirstStored = firstStored };
    }

    /// <summary>Never throws: a fault of the model is a result, which comes after all the text that came before it.</summary>
    private static async Task<(FluxMetadata? Metadata, Exception? Fault)> ReadAsync(
        Func<CancellationToken, IAsyncEnumerable<FluxEvent>> source, ChannelWriter<string> pieces, CancellationToken cancellationToken)
    {
        FluxMetadata? metadata = null;
        try
        {
            await foreach (var fluxEvent in source(cancellationToken))
            {
                switch (fluxEvent)
                {
                    case FluxText text:
                        await pieces.WriteAsync(text.Text, cancellationToken);
                        break;
                    case FluxMetadata end:
                        metadata = end;
                        break;
                }
            }

            return (metadata, null);
        }
        catch (Exception exception)
        {
            return (metadata, exception);
        }
        finally
        {
            pieces.Complete();
        }
    }
}
