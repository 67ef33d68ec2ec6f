using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Which faults of the NATS client pass by themselves.</summary>
public static class NatsFaults
{
    /// <summary>
    /// True when the same call may succeed later. While it reconnects the client cancels what it is asked after its own timeout, which is an
    /// <see cref="OperationCanceledException"/> that nobody asked for. A message that is too large stays so.
    /// </summary>
    public static bool IsPassing(Exception exception, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested
        && exception is NatsException or OperationCanceledException or TimeoutException
        && exception is not NatsPayloadTooLargeException;
}
