using System.Security.Claims;
using Kgents.Api.Telemetry;
using Kgents.Api.Turns;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kgents.Tests.Api;

/// <summary>A stream on Kestrel, behind a middleware and with a scope.</summary>
public sealed class EventStreamsTests : IAsyncLifetime
{
    private readonly OpenStream stream = new();
    private readonly Scoped scoped = new();
    private readonly HttpClient client = new();
    private readonly List<WeakReference> broughtAlong = [];
    private readonly TaskCompletionSource returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication app = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<ApiMetrics>().AddScoped(_ => scoped).AddOptions<TurnStreamOptions>();
        app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.UseMiddleware<EventStreams>();
        app.Use(async (context, next) =>
        {
            Bring(context);
            await next(context);
            returned.SetResult();
        });
        app.MapGet("/stream/{name}", (string name, Scoped scope) => stream);
        app.MapGet("/answer", () => "answer");
        await app.StartAsync(TestContext.Current.CancellationToken);
        client.BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OpenStream_HoldsNothingOfWhatLetItIn()
    {
        using var response = await OpenAsync();

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await returned.Task;
        await stream.Followed;
        Assert.True(scoped.IsDisposed);
        Assert.Equal(3, broughtAlong.Count);

        // A thread of the server may have one in hand still.
        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            return broughtAlong.TrueForAll(reference => !reference.IsAlive);
        });
        Assert.Empty(stream.Context!.Request.RouteValues);
        Assert.NotNull(stream.Context.GetEndpoint());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Connection_IsCut_WhenAStreamFails()
    {
        using var response = await OpenAsync();
        await stream.Followed;

        stream.Fail();

        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.False(stream.Left.IsCompleted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_IsTold_WhenItsClientLeaves()
    {
        (await OpenAsync()).Dispose();

        await stream.Left;
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_EndsWithoutAFault_WhenTheProcessStops()
    {
        using var response = await OpenAsync();
        await stream.Followed;

        await app.StopAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith(":ok", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.False(stream.Left.IsCompleted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OtherAnswers_AreWhatTheyAre() =>
        Assert.Equal("answer", await client.GetStringAsync(new Uri("/answer", UriKind.Relative), TestContext.Current.CancellationToken));

    /// <summary>A user, an item and a query, as authentication, middleware and endpoints leave them.</summary>
    private void Bring(HttpContext context)
    {
        var (user, item) = (new ClaimsPrincipal(new ClaimsIdentity("test")), new object());
        context.User = user;
        context.Items["item"] = item;
        broughtAlong.AddRange([new WeakReference(user), new WeakReference(item), new WeakReference(context.Request.Query)]);
    }

    private Task<HttpResponseMessage> OpenAsync() =>
        client.GetAsync(new Uri("/stream/one?after=1", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private sealed class OpenStream : EventStream
    {
        private readonly TaskCompletionSource followed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ulong? Start => 0;

        public HttpContext? Context { get; private set; }

        public Task Followed => followed.Task;

        public Task Left => left.Task;

        public void Fail() => end.SetException(new InvalidOperationException("It fails."));

        public override Task ExecuteAsync(HttpContext httpContext)
        {
            Context = httpContext;
            return base.ExecuteAsync(httpContext);
        }

        public override Task FollowAsync(ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken)
        {
            followed.SetResult();
            return end.Task.WaitAsync(stopping).WaitAsync(cancellationToken);
        }

        public override Task LeftAsync()
        {
            left.SetResult();
            return Task.CompletedTask;
        }
    }

    private sealed class Scoped : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
