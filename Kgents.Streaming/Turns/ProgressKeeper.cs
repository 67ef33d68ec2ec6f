using Microsoft.Extensions.Options;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Turns;

/// <summary>Tells the server, four times in each ack wait, that a message is being worked on, until disposed.</summary>
internal sealed partial class ProgressKeeper(IOptions<TurnOptions> options, TimeProvider time, ILogger<ProgressKeeper> logger)
{
    public IAsyncDisposable Keep(INatsJSMsg<byte[]> message)
    {
        var stop = new CancellationTokenSource();
        return new Keeping(stop, KeepAsync(message, stop.Token));
    }

    private async Task KeepAsync(INatsJSMsg<byte[]> message, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.Value.AckWait / 4, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await SayAsync(message, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The message is done with.
        }
    }

    private async Task SayAsync(INatsJSMsg<byte[]> message, CancellationToken cancellationToken)
    {
        try
        {
            await message.AckProgressAsync(cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // If it stays so, another worker takes the turn over, and this one loses the fence.
            LogNotSaid(exception);
        }
    }

    [LoggerMessage(LogLevel.Debug, "Progress on a turn could not be told.")]
    private partial void LogNotSaid(Exception exception);

    private sealed class Keeping(CancellationTokenSource stop, Task keeping) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await keeping;
            stop.Dispose();
        }
    }
}
