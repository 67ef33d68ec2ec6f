using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>What collects telemetry: OTLP over HTTP as protobuf, on real Kestrel.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<OtlpSpan> _spans = new();
    private readonly ConcurrentDictionary<(string Service, string Scope, string Name), bool> _metrics = new();
    private readonly ConcurrentQueue<string> _logs = new();
    private LoopbackServer? _server;

    private OtlpReceiver()
    {
    }

    /// <summary>What a process is told, so that it sends everything here soon.</summary>
    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _server!.Address.AbsoluteUri,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    public IReadOnlyList<OtlpSpan> Spans => [.. _spans];

    public IReadOnlyCollection<(string Service, string Scope, string Name)> Metrics => [.. _metrics.Keys];

    /// <summary>What log records say, and their attributes.</summary>
    public IReadOnlyList<string> Logs => [.. _logs];

    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellationToken)
    {
        OtlpReceiver receiver = new();
        receiver._server = await LoopbackServer.StartAsync(receiver.TakeAsync, cancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    private async Task TakeAsync(HttpContext context, CancellationToken cancellationToken)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body, cancellationToken);
        Read(context.Request.Path.Value, body.ToArray());
        context.Response.ContentType = "application/x-protobuf";
    }

    private void Read(string? path, byte[] request)
    {
        switch (path)
        {
            case "/v1/traces":
                foreach (var span in OtlpReader.Spans(request))
                {
                    _spans.Enqueue(span);
                }

                break;
            case "/v1/metrics":
                foreach (var metric in OtlpReader.Metrics(request))
                {
                    _metrics[metric] = true;
                }

                break;
            case "/v1/logs":
                foreach (var text in OtlpReader.Logs(request))
                {
                    _logs.Enqueue(text);
                }

                break;
        }
    }
}
