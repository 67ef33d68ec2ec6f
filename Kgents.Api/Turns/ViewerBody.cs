using System.Buffers;
using System.IO.Pipelines;
using Kgents.Api.Telemetry;

namespace Kgents.Api.Turns;

/// <summary>
/// The writing end of one viewer's response. A viewer that takes less than a piece within the deadline is cut: it can come back and go on where
/// it was, and until then it holds neither memory nor a subscription.
/// </summary>
internal sealed partial class ViewerBody(HttpContext context, TimeSpan deadline, ApiMetrics metrics, TimeProvider time, ILogger<ViewerBody> logger, CancellationToken stopping) : IBufferWriter<byte>
{
    /// <summary>In bytes; half of what Kestrel buffers for a client before a flush waits for it.</summary>
    private const int Piece = 32 * 1024;

    private readonly PipeWriter output = context.Response.BodyWriter;
    private int written;

    /// <summary>There is so much to send that it should be, before more is written.</summary>
    public bool IsFull => written >= Piece;

    public void Advance(int count)
    {
        output.Advance(count);
        written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => output.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => output.GetSpan(sizeHint);

    /// <summary>Sends all that was written. When the viewer is cut, the request is aborted.</summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => FlushAsync(default, cancellationToken);

    /// <param name="last">Is sent behind it. To write it with the flush costs less than before it.</param>
    public ValueTask FlushAsync(ReadOnlyMemory<byte> last, CancellationToken cancellationToken)
    {
        var size = written + last.Length;
        written = 0;
        var flush = last.IsEmpty ? output.FlushAsync(cancellationToken) : output.WriteAsync(last, cancellationToken);
        return flush.IsCompletedSuccessfully ? ValueTask.CompletedTask : WaitAsync(flush, size);
    }

    private async ValueTask WaitAsync(ValueTask<FlushResult> flush, int size)
    {
        // One event can be much larger than a piece, and then a slow viewer has as much longer.
        var allowed = deadline * (1 + (size / Piece));
        using var timeout = new CancellationTokenSource(allowed, time);
        using var cut = timeout.Token.Register(() =>
        {
            LogCut(allowed);
            metrics.Cut();
            context.Abort();
        });
        using var ended = stopping.UnsafeRegister(static waiting => ((PipeWriter)waiting!).CancelPendingFlush(), output);
        await flush;
        stopping.ThrowIfCancellationRequested();
    }

    [LoggerMessage(LogLevel.Information, "A viewer took too little for {Allowed} and was cut; it can resume.")]
    private partial void LogCut(TimeSpan allowed);
}
