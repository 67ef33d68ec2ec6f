using System.Net;
using System.Net.Http.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>A tenant with a plan that is narrow.</summary>
public abstract class QuotaTest : TurnTest
{
    private protected static readonly TenantId Acme = TenantId.Parse("acme");

    private protected static async Task<QuotaRecord> QuotaAsync(KgentsHost host) =>
        (await host.Services.GetRequiredService<TenantQuota>().FindAsync(Acme, TestContext.Current.CancellationToken))!;

    private protected static async Task<HttpClient> ClientAsync(KgentsHost host)
    {
        var client = await host.NewClientAsync("acme");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "narrow" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        return client;
    }

    private protected static async Task<(HttpClient Here, HttpClient There)> ClientsAsync(KgentsHost host, KgentsHost replica)
    {
        var here = await ClientAsync(host);
        var there = replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
        await Eventually.TrueAsync(async () =>
        {
            using var known = await there.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken);
            return known.IsSuccessStatusCode && replica.Services.GetRequiredService<Kgents.Api.Plans.PlanCatalog>().Of(Acme).Name == "narrow";
        });
        return (here, there);
    }

    private protected Task<KgentsHost> StartAsync(string url, Parts parts, params (string Key, string? Value)[] settings) => StartAsync(url, parts, TimeProvider.System, settings);

    private protected Task<KgentsHost> StartAsync(string url, Parts parts, TimeProvider time, params (string Key, string? Value)[] settings) =>
        KgentsHost.StartAsync(url, parts, time, [("ConnectionStrings:llm", Model.ConnectionString), ("Plans:Table:narrow:Budgets", "dialogue,whisper"), .. settings]);
}
