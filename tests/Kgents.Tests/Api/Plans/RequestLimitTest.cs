using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Plans;

/// <summary>Two replicas of the API on a day that a test chooses.</summary>
public abstract class RequestLimitTest : IAsyncLifetime
{
    private protected static readonly Uri Sessions = new("/v1/kgent/sessions?limit=1", UriKind.Relative);

    private protected readonly MovableTime time = new(12, 30, 1);
    private protected NatsServer nats = null!;
    private protected KgentsHost host = null!;
    private protected KgentsHost replica = null!;

    public virtual async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        (host, replica) = (await StartAsync(), await StartAsync());
    }

    public virtual async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static async Task<IReadOnlyList<int>> AskAsync(HttpClient client, int times)
    {
        var statuses = new List<int>();
        for (var count = 0; count < times; count++)
        {
            using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
            statuses.Add((int)response.StatusCode);
        }

        return statuses;
    }

    private protected Task<KgentsHost> StartAsync() => StartAsync(time);

    private protected Task<KgentsHost> StartAsync(TimeProvider clock) => KgentsHost.StartAsync(
        nats.Url,
        Parts.Api,
        clock,
        ("Plans:Table:by-day:RequestsPerDay", "40"),
        ("Plans:Table:bucket:RequestsPerMinute", "40"),
        ("Plans:Table:pro-minute:RequestsPerMinute", "600"),
        ("Plans:Table:by-minute:RequestsPerMinute", "2"),
        ("Plans:Table:by-minute:RequestsPerDay", "50"));

    /// <summary>A tenant of this plan, at both replicas.</summary>
    private protected async Task<(HttpClient Here, HttpClient There)> ClientsAsync(string plan)
    {
        var here = await host.NewClientAsync("acme", "read");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan }, TestContext.Current.CancellationToken);
        Assert.Equal(plan, (await changed.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("plan").GetString());
        await Eventually.TrueAsync(async () => (await replica.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/acme", TestContext.Current.CancellationToken)).GetProperty("plan").GetString() == plan);
        await Eventually.TrueAsync(async () =>
        {
            using var probe = replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
            using var response = await probe.GetAsync(new Uri("/v1/admin/tenants", UriKind.Relative), TestContext.Current.CancellationToken);
            return response.StatusCode == HttpStatusCode.Forbidden;
        });
        return (here, replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter));
    }

    /// <summary>It is tomorrow, at the time of day that the test says, and stays so; timers go on as they do.</summary>
    private protected sealed class MovableTime : TimeProvider
    {
        private DateTimeOffset now;

        public MovableTime(int hour, int minute, int second) => MoveTo(hour, minute, second);

        public void MoveTo(int hour, int minute, int second)
        {
            var today = System.GetUtcNow();
            now = today - today.TimeOfDay + TimeSpan.FromDays(1) + new TimeSpan(hour, minute, second);
        }

        public override DateTimeOffset GetUtcNow() => now;
    }
}
