using System.Net;
using System.Net.Http.Headers;
using Kgents.Contracts;
using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Nats;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NATS.Client.JetStream;

namespace Kgents.Tests.ServiceDefaults;

/// <summary>The service defaults and nothing else, started without waiting for readiness: for hosts that are not meant to become ready.</summary>
internal sealed class BareHost : IAsyncDisposable
{
    private const string HealthKey = "what-the-operator-knows-of";

    private readonly WebApplication app;
    private readonly HttpClient client = new();

    private BareHost(WebApplication app)
    {
        this.app = app;
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", HealthKey);
    }

    public NatsTopology Topology => app.Services.GetRequiredService<NatsTopology>();

    public FencedPublisher Publisher => app.Services.GetRequiredService<FencedPublisher>();

    public INatsJSContext JetStream => app.Services.GetRequiredService<INatsJSContext>();

    public IHostApplicationLifetime Lifetime => app.Lifetime;

    public IReadOnlyList<string> Logs => app.Services.GetRequiredService<RecentLogs>().Lines;

    public static Task<BareHost> StartAsync(string? natsUrl, StreamDefinition[] streams, params BucketDefinition[] buckets) => StartAsync(natsUrl, TimeProvider.System, streams, buckets);

    /// <summary>The same with a clock of the test's.</summary>
    public static async Task<BareHost> StartAsync(string? natsUrl, TimeProvider time, StreamDefinition[] streams, params BucketDefinition[] buckets)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton(time);
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:nats", natsUrl), new("Nats:CheckInterval", "00:00:00.100"), new("Health:Key", HealthKey)]);
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        builder.AddServiceDefaults("kgents-tests");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<RecentLogs>().AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<RecentLogs>());
        builder.Services.AddTopology(streams, buckets);

        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new BareHost(app);
    }

    /// <summary>The status of a health endpoint and its lines.</summary>
    public async Task<(HttpStatusCode Status, string Text)> HealthAsync(string kind)
    {
        using var response = await client.GetAsync(new Uri(new Uri(app.Urls.First()), $"/health/{kind}"), TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task BecomesAsync(HttpStatusCode readiness) => Eventually.TrueAsync(async () => (await HealthAsync("ready")).Status == readiness);

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}
