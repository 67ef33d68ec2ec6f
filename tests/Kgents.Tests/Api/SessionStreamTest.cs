using System.Net;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A session on two replicas: one with the worker, and one that asks for the end of the log only when it is told to.</summary>
public abstract class SessionStreamTest : TurnTest
{
    private protected KgentsHost host = null!;
    private protected KgentsHost replica = null!;
    private protected string session = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"));
        replica = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "01:00:00"), ("Turns:Stream:HeartbeatInterval", "00:00:01"));
        session = await host.Client.CreateSessionAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static SseFrame TurnOf(IEnumerable<SseFrame> frames) => new("turn", null, $$"""{"turn_id":"{{frames.First().Json.GetProperty("turn_id").GetString()}}"}""");

    private protected async Task<SseReader> FollowAsync(KgentsHost host, string? lastEventId = null, string? after = null)
    {
        var response = await GetAsync(host, lastEventId, after);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new SseReader(response);
    }

    private protected async Task<HttpResponseMessage> GetAsync(KgentsHost host, string? lastEventId, string? after)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/kgent/sessions/{session}/events{(after is null ? "" : $"?after={after}")}");
        request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        return await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>An open stream, read so far as a test needs it.</summary>
    private protected sealed class SseReader(HttpResponseMessage response) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<SseFrame> frames = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

        public async Task<IReadOnlyList<SseFrame>> ReadAsync(int count)
        {
            var read = new List<SseFrame>();
            while (read.Count < count && await frames.MoveNextAsync())
            {
                // A turn's name has no id of its own; the parser gives it that of the block before it, which was no event.
                read.Add(frames.Current.Event == "turn" ? frames.Current with { Id = null } : frames.Current);
            }

            return read;
        }

        public async ValueTask DisposeAsync()
        {
            await frames.DisposeAsync();
            response.Dispose();
        }
    }
}
