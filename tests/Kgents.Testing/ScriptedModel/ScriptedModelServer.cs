using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>A model on real Kestrel that says what a test has scripted, by the protocol of OpenAI, Anthropic or Ollama, whichever path it is asked at.</summary>
public sealed class ScriptedModelServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<ModelScript> _scripts = new();
    private readonly RecentItems<ModelRequest> _requests = new(10_000);
    private readonly Channel<ModelRequest> _arrivals = Channel.CreateBounded<ModelRequest>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest });
    private LoopbackServer? _server;
    private ModelRequest? _last;
    private int _count;

    private ScriptedModelServer()
    {
    }

    /// <summary>The base address with <c>/v1</c>.</summary>
    public Uri Endpoint => new(_server!.Address, "/v1");

    /// <summary>Of a provider that speaks OpenAI's protocol.</summary>
    public string ConnectionString => $"Endpoint={Endpoint};Key=test-key;Model=scripted-1";

    /// <param name="provider"><c>openai</c>, <c>anthropic</c> or <c>ollama</c>.</param>
    public string ConnectionStringOf(string provider) =>
        provider == "openai" ? $"Provider=openai;{ConnectionString}" : $"Provider={provider};Endpoint={_server!.Address};Key=test-key;Model=scripted-1";

    /// <summary>Played when the queue is empty.</summary>
    public ModelScript DefaultScript { get; set; } = ModelScript.Reply("Hello", " from", " the", " script.");

    /// <summary>What to play for a request when the queue is empty; null for the default.</summary>
    public Func<ModelRequest, ModelScript>? ScriptFor { get; set; }

    /// <summary>The last 10,000 requests.</summary>
    public IReadOnlyList<ModelRequest> Requests => _requests.Snapshot();

    /// <summary>Completes when the client of the latest request closed its connection early.</summary>
    public Task ClientLeft =>
        Volatile.Read(ref _last)?.ClientLeft ?? throw new InvalidOperationException("No request has come yet.");

    public static async Task<ScriptedModelServer> StartAsync(CancellationToken cancellationToken)
    {
        ScriptedModelServer server = new();
        server._server = await LoopbackServer.StartAsync(server.HandleAsync, cancellationToken);
        return server;
    }

    /// <summary>Queues a script for one request; scripts are taken in the order in which requests come.</summary>
    public void Enqueue(ModelScript script) => _scripts.Enqueue(script);

    /// <summary>The next request that nobody has awaited yet, in order of arrival.</summary>
    public ValueTask<ModelRequest> NextRequestAsync(CancellationToken cancellationToken) =>
        _arrivals.Reader.ReadAsync(cancellationToken);

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (ModelProtocol.Find(context.Request.Path.Value ?? "") is not { } protocol || !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using StreamReader reader = new(context.Request.Body);
        var body = await reader.ReadToEndAsync(cancellationToken);
        ModelRequest request = new(JsonElement.Parse(body), body, context.Request.Headers.Authorization.FirstOrDefault() ?? context.Request.Headers["x-api-key"]);
        var script = _scripts.TryDequeue(out var queued) ? queued : ScriptFor?.Invoke(request) ?? DefaultScript;
        ModelReply reply = new(request, Interlocked.Increment(ref _count), script.Steps.OfType<ModelStep.Usage>().FirstOrDefault());

        using var registration = context.RequestAborted.Register(request.MarkClientLeft);
        Volatile.Write(ref _last, request);
        _requests.Add(request);
        await _arrivals.Writer.WriteAsync(request, cancellationToken);
        await new ModelResponse(context, request, script, reply, protocol(reply)).PlayAsync(cancellationToken);
        request.MarkEnded();
    }
}
