using System.Globalization;
using System.Net;
using System.Text.Json;
using Kgents.Api.Usage;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Testing;
using Kgents.Tests.Documentation;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;

namespace Kgents.Tests.Api.Usage;

public sealed class FocusEndpointTests : MeteringTest
{
    private static readonly DateTimeOffset Now = UsageHour.Start(UsageHour.Of(TimeProvider.System.GetUtcNow()));

    [Fact(Timeout = Limits.Test)]
    public async Task Focus_HasALineForEachHourModelAndKindOfTokens_OfWhatIsBilled()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync("acme", "billing");
        await Recorder.RecordAsync(UsageSample.Event("a", UsageRecorder.Tenant, 9, 8, model: "=one", at: Now));
        await Recorder.RecordAsync(UsageSample.Event("b", UsageRecorder.Tenant, 3, model: "=one", at: Now));
        await Recorder.RecordAsync(UsageSample.Event("c", UsageRecorder.Tenant, 2, model: "two", at: Now.AddHours(-1)));
        await Recorder.RecordAsync(UsageSample.Event("d", UsageRecorder.Tenant, 5, model: "two", at: Now, type: UsageEvent.NonBillableType));
        await Recorder.RecordAsync(UsageSample.Event("e", TenantId.Parse("other"), 7, model: "two", at: Now), TenantId.Parse("other"));
        await Recorder.SettledAsync();

        var lines = (await ReadAsync(client, $"from={Text(Now.AddHours(-1))}")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(string.Join(',', FocusExport.Columns), lines[0]);
        string[] expected =
        [
            Line(-1, "two", "input_tokens_uncached", 2),
            Line(0, "'=one", "input_tokens_uncached", 12),
            Line(0, "'=one", "cache_read_tokens", 4),
            Line(0, "'=one", "output_tokens_visible", 8),
            Line(0, "'=one", "reasoning_tokens", 2),
        ];
        Assert.Equal(expected, lines.Skip(1).Select(line => string.Join(',', line.Split(',')[..10])));
        Assert.All(lines.Skip(1), line => Assert.EndsWith("Z,false", line, StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Focus_RefusesWhatUsageRefuses()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync("acme", "billing");
        using var response = await client.GetAsync(new Uri("/v1/usage/focus?from=2026-01-02&to=2026-01-01", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.StartsWith("from: must be before to", JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_NamesTheColumnsOfEachTable()
    {
        var page = new MarkdownPage(File.ReadAllText(Path.Combine(Repository.Root, "docs", "wire.md")));

        Assert.Equal(FocusExport.Columns, page.Names("Usage for FOCUS"));
        Assert.Equal([.. page.Names("A row of usage"), "as_of", "is_behind"], UsageCsv.Columns);
    }

    private static async Task<string> ReadAsync(HttpClient client, string query)
    {
        using var response = await client.GetAsync(new Uri($"/v1/usage/focus?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("text/csv", response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static string Line(int hour, string model, string meter, int quantity) =>
        $"Usage,{Text(Now.AddHours(hour))},{Text(Now.AddHours(hour + 1))},Kgents,AI and Machine Learning,{model},{meter},acme,{quantity},tokens";

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
