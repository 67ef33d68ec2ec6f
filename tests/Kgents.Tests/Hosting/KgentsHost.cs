using System.Net.Http.Headers;
using System.Security.Cryptography;
using Kgents.Api;
using Kgents.Metering;
using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NATS.Client.JetStream;

namespace Kgents.Tests.Hosting;

/// <summary>Which services a test host runs.</summary>
[Flags]
internal enum Parts
{
    /// <summary>The client of NATS and nothing that uses it.</summary>
    None = 0,
    Api = 1,
    Streaming = 2,
    Metering = 4,

    /// <summary>What metering needs in NATS, and none of its work.</summary>
    MeteringStreams = 8,
}

/// <summary>Kgents services in this process, on real Kestrel, against a real nats-server: what their Program.cs does, with a test's settings.</summary>
internal sealed class KgentsHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private bool isForsaken;

    private KgentsHost(WebApplication app, string key)
    {
        this.app = app;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Timeout.InfiniteTimeSpan };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>Sends the admin key with each request.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => app.Services;

    public INatsJSContext JetStream => Services.GetRequiredService<INatsJSContext>();

    public JetStreamReader Reader => Services.GetRequiredService<JetStreamReader>();

    public RecentLogs Logs => Services.GetRequiredService<RecentLogs>();

    /// <summary>A new key of the form that Kgents asks for.</summary>
    public static string NewKey() => "kg_tests_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>Starts the parts and waits until they are ready. Settings are configuration keys, for example <c>Turns:AckWait</c>.</summary>
    public static Task<KgentsHost> StartAsync(string natsUrl, Parts parts, params (string Key, string? Value)[] settings) =>
        StartAsync(natsUrl, parts, TimeProvider.System, settings);

    /// <summary>The same with a clock of the test's.</summary>
    public static async Task<KgentsHost> StartAsync(string natsUrl, Parts parts, TimeProvider time, params (string Key, string? Value)[] settings)
    {
        var key = NewKey();
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton(time);
        builder.Configuration.AddInMemoryCollection(
        [
            new("ConnectionStrings:nats", natsUrl),
            new("Auth:BootstrapKey", key),
            new("Health:Key", key),
            new("Nats:CheckInterval", "00:00:00.200"),
            new("Plans:Default", "custom"),
            new("Usage:Requests:Enabled", "false"),
            new("Memory:TrimAfter", "00:00:00"),

            // A turn that a test leaves behind ends with its host.
            new("Turns:DrainTimeout", "00:00:01"),
        ]);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value)));
        builder.Configuration["urls"] = "http://127.0.0.1:0";

        // Small, so that a client that does not read is felt soon.
        builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.SendBufferSize = 16 * 1024;
            return socket;
        });

        builder.AddServiceDefaults(NameOf(parts));
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<RecentLogs>().AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<RecentLogs>());
        if (parts.HasFlag(Parts.Api))
        {
            builder.AddKgentsApi();
        }

        if (parts.HasFlag(Parts.Streaming))
        {
            builder.AddKgentsStreaming();
        }

        if (parts.HasFlag(Parts.Metering))
        {
            builder.AddKgentsMetering();
        }

        if (parts.HasFlag(Parts.MeteringStreams))
        {
            builder.AddMeteringCore();
            builder.AddReconciliation();
        }

        var app = builder.Build();
        app.MapDefaultEndpoints();
        if (parts.HasFlag(Parts.Api))
        {
            app.MapKgentsApi();
        }

        await app.StartAsync(TestContext.Current.CancellationToken);
        var host = new KgentsHost(app, key);
        await host.Services.GetRequiredService<NatsTopology>().WhenCreatedAsync(TestContext.Current.CancellationToken);
        if (parts.HasFlag(Parts.Api) && app.Configuration["Auth:BootstrapKey"] == key)
        {
            await host.WaitForKeyAsync();
        }

        return host;
    }

    /// <summary>What it has to do with cannot be reached any more, and never will: it is not waited for when it stops.</summary>
    public void Forsake() => isForsaken = true;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.StopAsync(new CancellationToken(isForsaken));
        await app.DisposeAsync();
    }

    /// <summary>The names that the programs have: the rights of a user of NATS go by them too.</summary>
    private static string NameOf(Parts parts) => parts switch
    {
        Parts.Api => "kgents-api",
        Parts.Streaming => "kgents-streaming",
        Parts.Metering => "kgents-metering",
        Parts.MeteringStreams => "kgents-metering-command",
        _ => "kgents-tests",
    };

    private Task WaitForKeyAsync() => Eventually.TrueAsync(async () =>
    {
        using var response = await Client.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode;
    });
}
