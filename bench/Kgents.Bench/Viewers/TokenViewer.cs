using System.Buffers.Text;
using System.Diagnostics;
using Kgents.Bench.Model;

namespace Kgents.Bench.Viewers;

/// <summary>One client of a turn: counts what it sees and, when asked, how old each token is. A turn that fails fails the run.</summary>
internal sealed class TokenViewer(HttpResponseMessage response, Latencies? latencies = null)
{
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SseStream events = new(4096);
    private long eventCount;
    private long tokenCount;

    public long Events => Volatile.Read(ref eventCount);

    public long Tokens => Volatile.Read(ref tokenCount);

    public long Bytes => events.Bytes;

    public ulong LastId { get; private set; }

    /// <summary>Completes with the first event.</summary>
    public Task First => first.Task;

    /// <summary>To the end of the turn, or until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            if (!await events.ReadAsync(stream, See, cancellationToken))
            {
                throw new InvalidOperationException("A stream ended before its turn.");
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // This is how a viewer is told to leave.
        }
        finally
        {
            response.Dispose();
        }
    }

    private bool See(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        eventCount++;
        if (Utf8Parser.TryParse(id, out ulong sequence, out _))
        {
            LastId = sequence;
        }

        if (eventCount == 1)
        {
            first.TrySetResult();
        }

        if (!name.SequenceEqual("chunk"u8))
        {
            return name.SequenceEqual("error"u8) ? throw new InvalidOperationException("A turn failed.") : !(name.SequenceEqual("complete"u8) || name.SequenceEqual("cancelled"u8));
        }

        var now = Stopwatch.GetTimestamp();
        var stamps = TokenStamp.Of(data);
        var count = TokenStamp.Count(stamps);
        tokenCount += count;
        for (var i = 0; i < count && latencies is not null; i++)
        {
            latencies.Record(TokenStamp.Read(stamps, i), now);
        }

        return true;
    }
}
