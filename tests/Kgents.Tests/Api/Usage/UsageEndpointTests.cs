using System.Globalization;
using System.Net;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;

namespace Kgents.Tests.Api.Usage;

/// <summary>What a tenant is told of its usage, beside what was recorded.</summary>
public sealed class UsageEndpointTests : MeteringTest
{
    private const string Mine = "acme";

    private static readonly DateTimeOffset Now = UsageHour.Start(UsageHour.Of(TimeProvider.System.GetUtcNow()));
    private static readonly SessionId First = SessionId.New(0, TimeProvider.System);
    private static readonly SessionId Second = SessionId.New(0, TimeProvider.System);

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsExact_ByHourModelAndType_AndOnlyTheTenantsOwn()
    {
        await using var metering = await StartAsync(("Metering:Ledger:RangeSize", "3"), ("Metering:Ledger:SnapshotInterval", "10"));
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var random = new Random(11);
        var expected = new Dictionary<(string Tenant, string Hour, string Model, string Session, string Type), (long Events, long Input)>();
        for (var i = 0; i < 150; i++)
        {
            var (tenant, model, session) = (random.Next(2) == 0 ? Mine : "other", $"model-{random.Next(3)}", random.Next(2) == 0 ? First : Second);
            var (type, at, input) = (random.Next(4) == 0 ? UsageEvent.NonBillableType : UsageEvent.BillableType, Now.AddHours(-random.Next(6)), random.Next(100_000));
            var usage = UsageSample.Event(Guid.NewGuid().ToString(), TenantId.Parse(tenant), input, 0, model, at, type, session);
            await Recorder.RecordAsync(usage, TenantId.Parse(tenant));
            if (random.Next(5) == 0)
            {
                await Recorder.RecordAsync(usage, TenantId.Parse(tenant));
            }

            var key = (tenant, UsageHour.Of(at), model, session.ToString(), type);
            var known = expected.GetValueOrDefault(key);
            expected[key] = (known.Events + 1, known.Input + input);
        }

        // Quarantined: it is not the tenant's that it was recorded for.
        await Recorder.RecordAsync(UsageSample.Event("stray", TenantId.Parse("other"), 7), TenantId.Parse(Mine));
        await Recorder.SettledAsync();
        Assert.Contains(await Recorder.Ledger.EntriesAsync(), entry => entry is LedgerSnapshot);

        foreach (var tenant in (string[])[Mine, "other"])
        {
            using var client = await api.NewClientAsync(tenant, "billing");
            var own = expected.Where(each => each.Key.Tenant == tenant).ToList();
            var (from, to) = (Now.AddHours(-4), Now.AddHours(-1));

            // The parameter is nobody's: whose usage it is says the key.
            var byModel = await ReadAsync(client, $"window=hour&group_by=model&from={Text(from)}&to={Text(to)}&tenant=other&tenant_id=other");
            var bySession = await ReadAsync(client, $"window=hour&group_by=session,model&from={Text(from)}&to={Text(to)}");
            var ofOne = await ReadAsync(client, $"window=total&session={First}&model=model-1&from={Text(Now.AddHours(-6))}");

            var span = own.Where(each => string.CompareOrdinal(each.Key.Hour, UsageHour.Of(from)) >= 0 && string.CompareOrdinal(each.Key.Hour, UsageHour.Of(to)) < 0).ToList();
            Assert.Equal(Sum(span, each => $"{each.Hour} {each.Model}  {each.Type}"), Rows(byModel));
            Assert.Equal(Sum(span, each => $"{each.Hour} {each.Model} {each.Session} {each.Type}"), Rows(bySession));
            Assert.Equal(Sum(own.Where(each => each.Key.Model == "model-1" && each.Key.Session == First.ToString()), each => $"{UsageHour.Of(Now.AddHours(-6))}   {each.Type}"), Rows(ofOne));
            Assert.False(byModel.GetProperty("is_behind").GetBoolean());
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task UsageThatTheLedgerDoesNotHave_IsSaidToBeMissing_UntilItIsEntered()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync(Mine, "billing");
        Assert.Equal((false, 0), Behind(await ReadAsync(client, "window=total")));

        var recorded = await Recorder.RecordAsync(UsageSample.Event("one", UsageRecorder.Tenant, 10, at: Now));
        var before = await ReadAsync(client, "window=total");
        Assert.Equal((true, 0), Behind(before));
        Assert.Equal("0", before.GetProperty("through")[0].GetProperty("sequence").GetString());

        var stored = await api.Reader.LastAsync(Streams.Usage.Name, Subjects.AllUsage, TestContext.Current.CancellationToken);
        Assert.Equal(stored!.Time, before.GetProperty("as_of").GetDateTimeOffset());

        await using var metering = await StartAsync();
        await Recorder.SettledAsync();
        var after = await ReadAsync(client, "window=total");
        Assert.Equal((false, 1), Behind(after));
        Assert.Equal(recorded.ToString(CultureInfo.InvariantCulture), after.GetProperty("through")[0].GetProperty("sequence").GetString());
        Assert.True(after.GetProperty("as_of").GetDateTimeOffset() > stored.Time);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AsOf_IsTheBrokersTime_WhateverTheClockOfTheApiSays()
    {
        var begun = TimeProvider.System.GetUtcNow();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api, new MovableTime { Ahead = TimeSpan.FromHours(1) });
        using var client = await api.NewClientAsync(Mine, "billing");

        Assert.InRange((await ReadAsync(client, "window=total")).GetProperty("as_of").GetDateTimeOffset(), begun, TimeProvider.System.GetUtcNow());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LedgerThatWasBegunAnew_CountsOnce()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync(Mine, "billing");
        await using (await StartAsync())
        {
            await Recorder.RecordAsync(UsageSample.Event("one", UsageRecorder.Tenant, 10, at: Now));
            await Recorder.SettledAsync();
        }

        await RebuildAsync();
        Assert.Equal((true, 0), Behind(await ReadAsync(client, "window=total")));

        await using var metering = await StartAsync();
        await Recorder.SettledAsync();
        Assert.Equal((false, 1), Behind(await ReadAsync(client, "window=total")));
        Assert.Equal((false, 1), Behind(await ReadAsync(client, "window=total&group_by=session")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Csv_IsQuoted_AndRunsNothing()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync(Mine, "billing");
        foreach (var model in (string[])["=1+1", "+1", "-1", "@a", "\tx", "a,\"b\"", "a\r\nb", "plain"])
        {
            await Recorder.RecordAsync(UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 3, model: model, at: Now));
        }

        await Recorder.SettledAsync();
        using var response = await client.GetAsync(new Uri("/v1/usage?window=hour&group_by=model&format=csv", UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal("text/csv", response.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("window_start,window_end,model,session,key,type,billable,events,requests,turns,", text, StringComparison.Ordinal);
        Assert.All((string[])[",'=1+1,", ",'+1,", ",'-1,", ",'@a,", ",'\tx,", ",\"a,\"\"b\"\"\",", ",\"a\r\nb\",", ",plain,"], cell => Assert.Contains($"Z{cell},,kgents.llm.usage.v1,true,1,1,0,3,1,0,0,0,4,", text, StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("text/csv", "", "text/csv")]
    [InlineData("text/csv;q=0.5, application/json", "", "application/json")]
    [InlineData("*/*", "", "application/json")]
    [InlineData("text/csv;q=0", "", "application/json")]
    [InlineData("text/csv", "format=json", "application/json")]
    [InlineData("application/json", "format=csv", "text/csv")]
    public async Task Format_IsWhatTheQuerySays_OrElseAccept(string accept, string query, string expected)
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync(Mine, "billing");
        client.DefaultRequestHeaders.Accept.ParseAdd(accept);
        using var response = await client.GetAsync(new Uri($"/v1/usage?{query}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(expected, response.Content.Headers.ContentType!.MediaType);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task MoreRowsThanAnAnswerMayHave_AreRefused()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Usage:MaxRows", "3"));
        using var client = await api.NewClientAsync(Mine, "billing");
        for (var i = 0; i < 4; i++)
        {
            await Recorder.RecordAsync(UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 1, model: $"model-{i}", at: Now, session: SessionId.New(0, TimeProvider.System)));
        }

        await Recorder.SettledAsync();
        await AssertRefusedAsync(client, "group_by=model", HttpStatusCode.UnprocessableEntity, "from: there are more than 3 rows");
        await AssertRefusedAsync(client, "group_by=session", HttpStatusCode.UnprocessableEntity, "from: there are more than 3 rows");
        Assert.Equal((false, 1), Behind(await ReadAsync(client, "window=total&group_by=model&model=model-2")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatCannotBeRead_IsRefused_ByName()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync(Mine, "billing");
        (string Query, int Status, string Detail)[] cases =
        [
            ("from=yesterday", 400, "from: must be a day"),
            ("from=2026-02-30", 400, "from: must be a day"),
            ("to=2026-01-01T00:00:00", 400, "to: must be a day"),
            ("to=9999-12-31T23:00:00-05:00", 400, "to: must be a day"),
            ("from=", 400, "from: must be a day"),
            ("from=2026-01-01&from=2026-01-02", 400, "from: must be a day"),
            ("from=2026-01-01T00:30:00Z", 422, "from: must be on a full hour"),
            ("to=2026-01-01T00:00:00%2B05:30", 422, "to: must be on a full hour"),
            ("from=2026-01-02&to=2026-01-01", 422, "from: must be before to"),
            ("from=2026-01-02&to=2026-01-02", 422, "from: must be before to"),
            ("from=9999-12-31", 422, "from: must be before to"),
            ("from=0001-01-01", 422, "from: must be at most 400 days"),
            ("from=2024-01-01&to=2026-01-01", 422, "from: must be at most 400 days"),
            ("window=week", 400, "window: must be one of hour, day, month, total"),
            ("window=", 400, "window: must be one of"),
            ("group_by=keys", 400, "group_by: must be of model, session, key"),
            ("key=kg_tests_x", 400, "key: is not the id of a key"),
            ("group_by=model,tenant", 400, "group_by: must be of model, session"),
            ("session=a.b", 400, "session: is not a session id"),
            ("format=xml", 400, "format: must be json or csv"),
        ];
        foreach (var (query, status, detail) in cases)
        {
            await AssertRefusedAsync(client, query, (HttpStatusCode)status, detail);
        }
    }

    private async Task RebuildAsync() => Assert.Equal(0, (await RunAsync(Recorder.Host, "ledger", "rebuild", "--reason", "a test")).Code);

    private static async Task<JsonElement> ReadAsync(HttpClient client, string query)
    {
        using var response = await client.GetAsync(new Uri($"/v1/usage?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonElement.Parse(text);
    }

    private static async Task AssertRefusedAsync(HttpClient client, string query, HttpStatusCode status, string detail)
    {
        using var response = await client.GetAsync(new Uri($"/v1/usage?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{query}: {text}");
        Assert.StartsWith(detail, JsonElement.Parse(text).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static (bool IsBehind, int Rows) Behind(JsonElement usage) => (usage.GetProperty("is_behind").GetBoolean(), usage.GetProperty("usage").GetArrayLength());

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Sum(
        IEnumerable<KeyValuePair<(string Tenant, string Hour, string Model, string Session, string Type), (long Events, long Input)>> recorded,
        Func<(string Tenant, string Hour, string Model, string Session, string Type), string> group) =>
        recorded.GroupBy(each => group(each.Key)).Select(each => $"{each.Key}: {each.Sum(one => one.Value.Events)} {each.Sum(one => one.Value.Input)}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> Rows(JsonElement usage) => usage.GetProperty("usage").EnumerateArray()
        .Select(row => $"{UsageHour.Of(row.GetProperty("window_start").GetDateTimeOffset())} {Field(row, "model")} {Field(row, "session")} {Field(row, "type")}: {Field(row, "events")} {Field(row, "input_tokens_uncached")}")
        .Order(StringComparer.Ordinal);

    private static string? Field(JsonElement row, string name) => row.TryGetProperty(name, out var value) ? value.GetString() : null;
}
