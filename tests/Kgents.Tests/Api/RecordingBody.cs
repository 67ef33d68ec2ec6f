using System.Text;
using Kgents.Api.Telemetry;
using Kgents.Api.Turns;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kgents.Tests.Api;

/// <summary>A response that keeps what a viewer is sent.</summary>
internal sealed class RecordingBody : IDisposable
{
    private readonly CountedStream sent = new();

    public RecordingBody()
    {
        var context = new DefaultHttpContext();
        context.Response.Body = sent;
        Viewer = new ViewerBody(context, TimeSpan.FromMinutes(1), Meters.Of(meters => new ApiMetrics(meters)), TimeProvider.System, NullLogger<ViewerBody>.Instance, CancellationToken.None);
    }

    public ViewerBody Viewer { get; }

    /// <summary>Of what it was sent, in bytes.</summary>
    public IReadOnlyList<int> Flushes => sent.Flushes;

    public void Dispose() => sent.Dispose();

    public string Text => Encoding.UTF8.GetString(sent.ToArray());

    private sealed class CountedStream : MemoryStream
    {
        private long flushed;

        public List<int> Flushes { get; } = [];

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushes.Add((int)(Length - flushed));
            flushed = Length;
            return Task.CompletedTask;
        }
    }
}
