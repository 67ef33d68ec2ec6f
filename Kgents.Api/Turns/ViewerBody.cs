using System.Buffers;

namespace Kgents.Api.Turns;

/// <summary>
/// The writing end of one viewer's response. A viewer that takes nothing for longer than the deadline is cut: it can come back and go on where
/// it was, and until then it holds neither memory nor a subscription.
/// </summary>
internal sealed partial class ViewerBody(HttpContext context, TimeSpan deadline, TimeProvider time, ILogger<ViewerBody> logger)
{
    public IBufferWriter<byte> Output => context.Response.BodyWriter;

    /// <summary>Copies a frame that all viewers share.</summary>
    public void Write(ReadOnlySpan<byte> frame) => Output.Write(frame);

    /// <summary>Sends all that was written. When the viewer is cut, the request is aborted.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        var flush = context.Response.BodyWriter.FlushAsync(cancellationToken);
        if (flush.IsCompletedSuccessfully)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(deadline, time);
        using var cut = timeout.Token.Register(() =>
        {
            LogCut(deadline);
            context.Abort();
        });
        await flush;
    }

    [LoggerMessage(LogLevel.Information, "A viewer took nothing for {Deadline} and was cut; it can resume.")]
    private partial void LogCut(TimeSpan deadline);
}
