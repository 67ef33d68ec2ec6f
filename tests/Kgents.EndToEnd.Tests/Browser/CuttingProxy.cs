using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading.Channels;
using Kgents.Testing;
using Microsoft.AspNetCore.Http;

namespace Kgents.EndToEnd.Tests.Browser;

/// <summary>One connection of the browser's EventSource, as the proxy carried it.</summary>
/// <param name="Came">When its request came.</param>
internal sealed record CarriedStream(string? LastEventId, int Status, long Came)
{
    /// <summary>When it was cut; null when the server ended it.</summary>
    public long? Cut { get; init; }
}

/// <summary>How a connection is carried.</summary>
/// <param name="Cut">True once so much of the body has passed that it is to be cut there; null to let it pass.</param>
internal sealed record Carriage(Uri Api, Func<ReadOnlyMemory<byte>, bool>? Cut);

/// <summary>
/// What stands between a browser and the API: it serves the page, so that all is of one origin, adds the key, which EventSource cannot, and cuts
/// connections wherever a test wants.
/// </summary>
/// <param name="key">Null for a page that has a ticket.</param>
internal sealed class CuttingProxy(string? key, string page, Func<int, Carriage?> plan) : IAsyncDisposable
{
    private readonly HttpClient http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Channel<PageEvent> seen = Channel.CreateBounded<PageEvent>(100_000);
    private readonly ConcurrentQueue<CarriedStream> streams = new();
    private LoopbackServer? server;
    private int connections;

    public Uri Address => server!.Address;

    /// <summary>All connections that have ended.</summary>
    public IReadOnlyList<CarriedStream> Streams => [.. streams];

    public async Task StartAsync() => server = await LoopbackServer.StartAsync(HandleAsync, TestContext.Current.CancellationToken);

    /// <summary>Reads what the page saw, until this is true of something.</summary>
    public async Task<IReadOnlyList<PageEvent>> ReadToAsync(Func<PageEvent, bool> isLast)
    {
        var events = new List<PageEvent>();
        do
        {
            events.Add(await seen.Reader.ReadAsync(TestContext.Current.CancellationToken));
        }
        while (!isLast(events[^1]));
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        http.Dispose();
    }

    private Task HandleAsync(HttpContext context, CancellationToken cancellationToken) => context.Request.Path.Value switch
    {
        "/" => ShowAsync(context, cancellationToken),
        "/seen" => TakeAsync(context, cancellationToken),
        { } path when path.StartsWith("/v1/", StringComparison.Ordinal) => CarryAsync(context, cancellationToken),
        _ => NothingAsync(context),
    };

    private Task ShowAsync(HttpContext context, CancellationToken cancellationToken)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(page, cancellationToken);
    }

    private async Task TakeAsync(HttpContext context, CancellationToken cancellationToken)
    {
        foreach (var each in (await JsonSerializer.DeserializeAsync<PageEvent[]>(context.Request.Body, JsonSerializerOptions.Web, cancellationToken))!)
        {
            await seen.Writer.WriteAsync(each, cancellationToken);
        }
    }

    private static Task NothingAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private async Task CarryAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var came = TimeProvider.System.GetTimestamp();
        var lastEventId = context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } id ? id : null;
        if (plan(Interlocked.Increment(ref connections) - 1) is not { } carriage)
        {
            context.Abort();
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(carriage.Api, context.Request.Path + context.Request.QueryString));
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        context.Response.Headers.CacheControl = response.Headers.CacheControl?.ToString();
        var wasCut = await CopyAsync(await response.Content.ReadAsStreamAsync(cancellationToken), context, carriage.Cut, cancellationToken);
        streams.Enqueue(new CarriedStream(lastEventId, context.Response.StatusCode, came) { Cut = wasCut ? TimeProvider.System.GetTimestamp() : null });
        if (wasCut)
        {
            context.Abort();
        }
    }

    /// <summary>Byte by byte where it may be cut, so that it is cut anywhere, in the middle of a character too.</summary>
    private static async Task<bool> CopyAsync(Stream body, HttpContext context, Func<ReadOnlyMemory<byte>, bool>? cut, CancellationToken cancellationToken)
    {
        var passed = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            var length = 0;
            var isCut = false;
            while (length < count && !isCut)
            {
                passed.WriteByte(buffer[length++]);
                isCut = cut?.Invoke(passed.GetBuffer().AsMemory(0, (int)passed.Length)) ?? false;
            }

            await context.Response.Body.WriteAsync(buffer.AsMemory(0, length), cancellationToken);
            await context.Response.Body.FlushAsync(cancellationToken);
            if (isCut)
            {
                return true;
            }
        }

        return false;
    }
}
