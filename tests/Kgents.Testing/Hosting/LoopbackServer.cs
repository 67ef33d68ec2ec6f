using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.Testing;

/// <summary>Kestrel on a free loopback port with one handler. The handler's token ends with the request or the server.</summary>
public sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private LoopbackServer(WebApplication application, Uri address)
    {
        _application = application;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<LoopbackServer> StartAsync(
        Func<HttpContext, CancellationToken, Task> handler, CancellationToken cancellationToken)
    {
        // Empty: no appsettings watcher and no ASPNETCORE_URLS of the machine that runs the tests.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, TestLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));

        // Two bytes pause a writer until none is left: a flush then means that the socket has the bytes, and an abort
        // after it cannot take them back.
        builder.WebHost.UseKestrelCore().UseSockets(options => options.MaxWriteBufferSize = 2).ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            options.Listen(IPAddress.Loopback, 0);
        });

        var application = builder.Build();
        application.Run(context => HandleAsync(context, handler, application.Lifetime.ApplicationStopping));
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        return new LoopbackServer(application, new Uri(application.Urls.Single()));
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(CancellationToken.None);
        await _application.DisposeAsync();
    }

    private static async Task HandleAsync(
        HttpContext context, Func<HttpContext, CancellationToken, Task> handler, CancellationToken stopping)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            await handler(context, ends.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && ends.IsCancellationRequested)
        {
            // The client left or the test is over: a half-written response must not look complete.
            context.Abort();
        }
    }

    /// <summary>The console's lifetime would swallow the test process's SIGTERM and Ctrl+C.</summary>
    private sealed class TestLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
