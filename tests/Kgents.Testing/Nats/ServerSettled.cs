namespace Kgents.Testing;

/// <summary>
/// Knows when a server has processed everything sent to it: it has answered every PING, ours last, and the awaited reply.
/// A JetStream publish is stored only when its reply is there; a PONG alone may come before.
/// </summary>
internal sealed class ServerSettled
{
    // A killed or paused server must not hold the test.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _awaitedReply;
    private int _openPings;
    private bool _waiting;

    public void Pinged()
    {
        lock (_gate)
        {
            _openPings++;
        }
    }

    public void Heard(NatsFrame frame)
    {
        lock (_gate)
        {
            if (frame.Operation is NatsOperation.Pong)
            {
                _openPings--;
            }
            else if (frame.Operation is NatsOperation.Message && frame.Subject == _awaitedReply)
            {
                _awaitedReply = null;
            }

            if (_waiting && _openPings <= 0 && _awaitedReply is null)
            {
                _settled.TrySetResult();
            }
        }
    }

    public void ServerGone() => _settled.TrySetResult();

    /// <summary>Sends, then a PING, and waits for the PONG and the reply, or for <see cref="Patience"/>.</summary>
    public async Task WaitAsync(Stream server, string? replyTo, Func<ValueTask> send, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _awaitedReply = replyTo;
            _openPings++;
            _waiting = true;
        }

        try
        {
            await send();
            await server.WriteAsync("PING\r\n"u8.ToArray(), cancellationToken);
            await _settled.Task.WaitAsync(Patience, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or IOException)
        {
            // The cut comes anyway: to the client a dead server looks the same.
        }
    }
}
