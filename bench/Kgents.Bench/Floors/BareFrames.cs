using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Kgents.Bench.Floors;

/// <summary>The least that a server can do for many viewers of one stream: one loop that writes one frame to each connection.</summary>
internal sealed class BareFrames(int frameSize)
{
    private readonly Lock gate = new();
    private readonly List<PipeWriter> viewers = [];
    private readonly byte[] frame = Encoding.UTF8.GetBytes($"id: 1\nevent: chunk\ndata: {new string('x', Math.Max(1, frameSize - 27))}\n\n");

    /// <summary>Sends the headers and the opening that Kgents sends.</summary>
    public static async Task StartAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache, no-transform";
        await context.Response.BodyWriter.WriteAsync(":ok\nretry: 1000\n\n"u8.ToArray(), context.RequestAborted);
    }

    /// <summary>A stream on which nothing comes.</summary>
    public static async Task OpenAsync(HttpContext context)
    {
        await StartAsync(context);
        await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task JoinAsync(HttpContext context)
    {
        await StartAsync(context);
        lock (gate)
        {
            viewers.Add(context.Response.BodyWriter);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (gate)
        {
            viewers.Remove(context.Response.BodyWriter);
        }
    }

    public async Task RunAsync(double perSecond, CancellationToken cancellationToken)
    {
        var pacer = new Model.Pacer(perSecond);
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var due = await pacer.NextAsync(cancellationToken); due > 0; due--)
            {
                Send();
            }
        }
    }

    private void Send()
    {
        lock (gate)
        {
            foreach (var viewer in viewers)
            {
                // A viewer that has not taken the last frame yet gets this one with the next flush.
                var write = viewer.WriteAsync(frame);
                GC.KeepAlive(write.IsCompleted);
            }
        }
    }
}
