using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Metering;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Metering;

/// <summary>Requests that were answered well are usage, each once.</summary>
public sealed class RequestUsageTests : MeteringTest
{
    private const string Acme = "acme";

    [Fact(Timeout = Limits.Test)]
    public async Task Requests_AreRecordedByKeyAndOperation_ThoseThatWereAnsweredWell()
    {
        await using var api = await StartApiAsync("00:00:00.100");
        var one = await api.NewKeyAsync(Acme);
        using var client = api.ClientWith(one.GetProperty("key").GetString());
        using var other = await api.NewClientAsync(Acme, "read", "write", "billing");

        var session = await client.CreateSessionAsync();
        for (var number = 0; number < 5; number++)
        {
            await GetAsync(client, $"/v1/kgent/sessions/{session}", HttpStatusCode.OK);
        }

        await GetAsync(other, "/v1/kgent/sessions", HttpStatusCode.OK);

        // Refused, not found, wrong, not allowed, a look at usage, and what asks for no key.
        await GetAsync(client, "/v1/kgent/sessions/s0-0123456789abcdef0123456789abcdef", HttpStatusCode.NotFound);
        await GetAsync(client, "/v1/kgent/sessions?limit=0", HttpStatusCode.BadRequest);
        await GetAsync(client, "/v1/keys", HttpStatusCode.Forbidden);
        await GetAsync(client, "/v1/nothing", HttpStatusCode.NotFound);
        await GetAsync(other, "/v1/usage", HttpStatusCode.OK);
        await GetAsync(client, "/openapi/v1.json", HttpStatusCode.OK);
        using (var stranger = api.ClientWith(KgentsHost.NewKey()))
        {
            await GetAsync(stranger, "/v1/kgent/sessions", HttpStatusCode.Unauthorized);
        }

        await Eventually.TrueAsync(async () => (await RecordedAsync(Acme)).Sum(Requests) >= 7);
        await api.DisposeAsync();

        var recorded = await RecordedAsync(Acme);
        Assert.Equal(
            ["createSession 1", "getSession 5", "listSessions 1"],
            recorded.GroupBy(Operation).Select(group => $"{group.Key} {group.Sum(Requests)}").Order(StringComparer.Ordinal));
        Assert.All(recorded.Where(usage => Operation(usage) != "listSessions"), usage => Assert.Equal(one.GetProperty("id").GetString(), usage.GetProperty("data").GetProperty("key_id").GetString()));
        Assert.Distinct(recorded.Select(usage => usage.GetProperty("id").GetString()));
        Assert.All(recorded.SelectMany(usage => usage.GetProperty("data").EnumerateObject()), field => Assert.Equal(JsonValueKind.String, field.Value.ValueKind));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnswerUnderAnIdempotencyKey_CountsOnce_AndAStreamWhenItBegins()
    {
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Usage(1, 1));
        await using var api = await StartApiAsync("00:00:00.100");
        await using var worker = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString));
        using var client = await api.NewClientAsync(Acme);
        var session = await client.CreateSessionAsync();
        Assert.False((await client.PostAsync(session, "key", new { message = "hello", stream = false })).IsReplayed());
        Assert.True((await client.PostAsync(session, "key", new { message = "hello", stream = false })).IsReplayed());

        model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        using var streaming = await client.PostAsync(session, "and on");
        Assert.Equal(HttpStatusCode.OK, streaming.StatusCode);

        // The stream is still open.
        await Eventually.TrueAsync(async () => (await RecordedAsync(Acme)).Where(usage => Operation(usage) == "postMessage").Sum(Requests) == 2);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stop_RecordsWhatWasCounted()
    {
        await using var api = await StartApiAsync("00:01:00");
        using var client = await api.NewClientAsync(Acme);
        await client.CreateSessionAsync();
        Assert.Empty(await RecordedAsync(Acme));

        await api.DisposeAsync();

        Assert.Equal(("createSession", 1L), (Operation(Assert.Single(await RecordedAsync(Acme))), Requests((await RecordedAsync(Acme))[0])));
    }

    /// <summary>What was made into an event and not stored, and what was counted behind it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Stop_SaysAllThatIsLost_WhenNatsIsAway()
    {
        // Stopped once: a second time there is no connection.
        var api = await StartApiAsync("00:00:00.100");
        await Nats.KillAsync(TestContext.Current.CancellationToken);
        var counts = api.Services.GetRequiredService<RequestCounts>();
        counts.Add(TenantId.Parse(Acme), ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef"), "createSession");
        var logs = api.Logs;
        await Eventually.TrueAsync(() => logs.Lines.Any(line => line.Contains("usage events of requests are not stored yet", StringComparison.Ordinal)));
        counts.Add(TenantId.Parse(Acme), ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef"), "createSession");

        await api.DisposeAsync();

        var said = logs.Lines.Where(line => line.Contains("requests that were in none yet", StringComparison.Ordinal)).ToList();
        Assert.True(said.Count == 1 && said[0].Contains("and 1 requests that were in none yet, could not be recorded", StringComparison.Ordinal), string.Join('\n', logs.Lines.TakeLast(8)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Requests_AreRecordedOnce_WhenNatsWasAwayMeanwhile()
    {
        await using var api = await StartApiAsync("00:00:00.300");
        using var client = await api.NewClientAsync(Acme);
        for (var number = 0; number < 5; number++)
        {
            await client.CreateSessionAsync();
        }

        await Nats.KillAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => api.Logs.Lines.Any(line => line.Contains("usage events of requests are not stored yet", StringComparison.Ordinal)));
        await Nats.RestartAsync(TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(async () => (await RecordedAsync(Acme)).Sum(Requests) >= 5);
        await api.DisposeAsync();
        Assert.Equal(5, (await RecordedAsync(Acme)).DistinctBy(usage => usage.GetProperty("id").GetString()).Sum(Requests));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_KeepsRequestsApartFromTokens_ByKeyToo()
    {
        await using var metering = await StartAsync();
        await using var api = await StartApiAsync("00:00:00.100");
        var key = await api.NewKeyAsync(Acme, "read", "write", "billing");
        using var client = api.ClientWith(key.GetProperty("key").GetString());
        var id = key.GetProperty("id").GetString();
        await Recorder.RecordAsync(UsageSample.Event("tokens", UsageRecorder.Tenant, 30, at: TimeProvider.System.GetUtcNow()));
        for (var number = 0; number < 3; number++)
        {
            await client.CreateSessionAsync();
        }

        await Eventually.TrueAsync(async () => (await RecordedAsync(Acme)).Sum(Requests) == 3);
        await Recorder.SettledAsync();

        var all = await RowsAsync(client, "window=total&group_by=model");
        Assert.Equal(["größer|kgents.llm.usage.v1|1|0|40", "|kgents.api.request.v1|3|0|0"], all.Order(StringComparer.Ordinal));
        Assert.Equal([$"{id}|kgents.api.request.v1|3|0|0"], await RowsAsync(client, $"window=total&group_by=key&key={id}"));
        Assert.Equal([$"{id}|kgents.api.request.v1|3|0|0", "|kgents.llm.usage.v1|1|0|40"], (await RowsAsync(client, "window=total&group_by=key")).Order(StringComparer.Ordinal));
        Assert.Empty(await RowsAsync(client, "window=total&key=k-0123456789abcdef0123456789abcdef"));
        Assert.Equal(3, OpenMeter.Sum("requests", Acme, UsageEvent.RequestType));

        var focus = await client.GetStringAsync(new Uri("/v1/usage/focus", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains(",api,requests,acme,3,requests,", focus, StringComparison.Ordinal);
    }

    /// <summary>The API may record requests and nothing else: its rights end there, and so does what the ledger believes.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task TokensThatTheApiRecords_AreQuarantined()
    {
        await using var metering = await StartAsync();
        await Conversations.StoreAsync(Recorder.Host, Subjects.RequestUsage(UsageRecorder.Tenant, 0), System.Text.Encoding.UTF8.GetBytes(UsageSample.Event("forged", UsageRecorder.Tenant, 30)));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Quarantined == 1);

        Assert.Contains("is not recorded under kgents.usage.0.acme.requests", Assert.Single(await Recorder.LettersAsync()).Reason, StringComparison.Ordinal);
        Assert.Equal(0, (await Recorder.Ledger.StateAsync()).Counts.Counted);
    }

    private Task<KgentsHost> StartApiAsync(string interval) => KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Usage:Requests:Enabled", "true"), ("Usage:Requests:Interval", interval));

    private async Task<IReadOnlyList<JsonElement>> RecordedAsync(string tenant) =>
        await Recorder.Host.Reader.ReadAsync(Streams.Usage.Name, Subjects.RequestUsage(TenantId.Parse(tenant), 0), 1, 0, TestContext.Current.CancellationToken)
            .Select(stored => JsonElement.Parse(stored.Data.Span)).ToListAsync(TestContext.Current.CancellationToken);

    private static string Operation(JsonElement usage) => usage.GetProperty("data").GetProperty("operation").GetString()!;

    private static long Requests(JsonElement usage) => long.Parse(usage.GetProperty("data").GetProperty("requests").GetString()!, CultureInfo.InvariantCulture);

    private static async Task GetAsync(HttpClient client, string path, HttpStatusCode expected)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal((path, expected), (path, response.StatusCode));
    }

    private static async Task<IReadOnlyList<string>> RowsAsync(HttpClient client, string query)
    {
        var usage = await client.GetFromJsonAsync<JsonElement>($"/v1/usage?{query}", TestContext.Current.CancellationToken);
        return [.. usage.GetProperty("usage").EnumerateArray().Select(row => $"{Text(row, "model")}{Text(row, "key")}|{Text(row, "type")}|{Text(row, "requests")}|{Text(row, "turns")}|{Text(row, "total_tokens")}")];
    }

    private static string Text(JsonElement row, string name) => row.TryGetProperty(name, out var value) ? value.GetString()! : "";
}
