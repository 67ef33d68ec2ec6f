using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>A receiver of webhooks on loopback, which answers as it is told to, by path.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedWebhook> _received = new();
    private readonly ConcurrentDictionary<string, Func<HttpContext, CancellationToken, Task>> _answers = new();
    private LoopbackServer _server = null!;

    private WebhookReceiver()
    {
    }

    public Uri Address => _server.Address;

    public IReadOnlyList<ReceivedWebhook> Received => [.. _received];

    public static async Task<WebhookReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var receiver = new WebhookReceiver();
        receiver._server = await LoopbackServer.StartAsync(receiver.AnswerAsync, cancellationToken);
        return receiver;
    }

    public IReadOnlyList<ReceivedWebhook> At(string path) => [.. _received.Where(each => each.Path == path)];

    /// <summary>From now on this path answers so.</summary>
    public void Answer(string path, int status, params (string Name, string Value)[] headers) => Answer(path, (context, _) =>
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers)
        {
            context.Response.Headers[name] = value;
        }

        return Task.CompletedTask;
    });

    public void Answer(string path, Func<HttpContext, CancellationToken, Task> answer) => _answers[path] = answer;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(cancellationToken);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        _received.Enqueue(new ReceivedWebhook(
            context.Request.Path, headers.GetValueOrDefault("webhook-id", ""), headers.GetValueOrDefault("webhook-timestamp", ""), headers.GetValueOrDefault("webhook-signature", ""), body, headers));
        context.Response.StatusCode = 204;
        if (_answers.TryGetValue(context.Request.Path, out var answer))
        {
            await answer(context, cancellationToken);
        }
    }
}
