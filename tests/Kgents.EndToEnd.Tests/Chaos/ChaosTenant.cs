namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>A tenant, and a client that knows a key of it and no address.</summary>
internal sealed class ChaosTenant(string id, string key) : IDisposable
{
    public string Id => id;

    public HttpClient Http { get; } = Connect(key);

    public void Dispose() => Http.Dispose();

    private static HttpClient Connect(string key)
    {
        var http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Add("X-API-Key", key);
        return http;
    }
}
