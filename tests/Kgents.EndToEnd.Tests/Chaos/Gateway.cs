using System.Net.Sockets;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>How a client reaches the API: any replica, which may be dead, and then another try.</summary>
internal sealed class Gateway(ChaosSystem system, ChaosTenant tenant, Random random)
{
    /// <summary>A replica that is frozen takes a connection and never answers.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>The answer's headers; null when nobody answered, and then what was asked may have been done or not.</summary>
    public async Task<HttpResponseMessage?> TrySendAsync(HttpMethod method, string path, Action<HttpRequestMessage>? prepare, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(random.OneOf(system.Apis).Address, path));
        prepare?.Invoke(request);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await tenant.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (Exception exception) when (IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            await Draws.PassAsync(random.Between(0.05, 0.3), cancellationToken);
            return null;
        }
    }

    /// <summary>What a client sees of a connection that ended, also in the moment in which it was made.</summary>
    public static bool IsBroken(Exception exception) => exception is HttpRequestException or IOException or SocketException or OperationCanceledException;
}
