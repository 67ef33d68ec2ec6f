using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Testing;

/// <summary>The stand-in does what OpenMeter's sources say: what is tested against it is worth as much as this.</summary>
public sealed class OpenMeterStandInTests : IAsyncLifetime
{
    private OpenMeterStandIn openMeter = null!;
    private HttpClient client = null!;

    public async ValueTask InitializeAsync()
    {
        openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        client = new HttpClient { BaseAddress = openMeter.Endpoint };
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await openMeter.DisposeAsync();
    }

    /// <summary>What OpenMeter's own SQL makes of a value.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("100", 100)]
    [InlineData("\"100\"", 100)]
    [InlineData("1e3", 1000)]
    [InlineData("\"+5\"", 5)]
    [InlineData("-30", -30)]
    [InlineData("\"-30\"", -30)]
    [InlineData("null", 0)]
    [InlineData("\"\"", 0)]
    [InlineData("\"NaN\"", 0)]
    [InlineData("\"Inf\"", 0)]
    [InlineData("\"12 tok\"", 0)]
    [InlineData("true", 0)]
    [InlineData("{}", 0)]
    [InlineData("\" 5\"", 0)]
    [InlineData("\"5 \"", 0)]
    [InlineData("\"1_000\"", 0)]
    [InlineData("\"0x10\"", 0)]
    public async Task Meter_CountsAValueAsOpenMeterDoes(string value, int expected)
    {
        var data = $"{{\"tokens\":{value}}}";
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync($"[{Event("1", data)}]")).StatusCode);
        Assert.Single(openMeter.AcceptedEvents);
        Assert.Equal(expected, openMeter.Sum("tokens", "acme"));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("application/cloudevents-batch+json; charset=utf-8", "invalid content type: application/cloudevents-batch+json; charset=utf-8")]
    [InlineData("text/xml", "header Content-Type has unexpected value")]
    public async Task ContentType_IsComparedWhole(string contentType, string detail)
    {
        using var response = await PostAsync($"[{Event("1", "{}")}]", contentType);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(detail, (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SchemaError_NamesTheIndex_AndNothingOfTheBatchIsTaken()
    {
        using var response = await PostAsync($"[{Event("1", "{}")},{Event("2", "\"text\"")}]");
        Assert.Contains("Error at \"/1/data\"", (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(openMeter.AcceptedEvents);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task SecondEventUnderAnId_IsDroppedOnlyByDeduplication(bool deduplicates, int rows)
    {
        openMeter.Deduplicate = deduplicates;
        await PostAsync($"[{Event("1", "{}")}]");
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync($"[{Event("1", "{\"tokens\":\"7\"}")}]")).StatusCode);

        var shown = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/v2/events?limit=100&filter=" + Uri.EscapeDataString("""{"id":{"$in":["1","2"]},"source":{"$eq":"urn:test"}}"""), UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(rows, shown.GetProperty("items").GetArrayLength());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task List_IsPagedByItsCursor()
    {
        await PostAsync($"[{string.Join(',', Enumerable.Range(0, 130).Select(index => Event($"{index:000}", "{}")))}]");
        var first = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/v2/events", UriKind.Relative), TestContext.Current.CancellationToken);
        var second = await client.GetFromJsonAsync<JsonElement>(new Uri($"/api/v2/events?cursor={Uri.EscapeDataString(first.GetProperty("nextCursor").GetString()!)}", UriKind.Relative), TestContext.Current.CancellationToken);
        var ids = new[] { first, second }.SelectMany(page => page.GetProperty("items").EnumerateArray()).Select(item => item.GetProperty("event").GetProperty("id").GetString());
        Assert.Equal(Enumerable.Range(0, 130).Select(index => $"{index:000}").Reverse(), ids);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("POST", "/api/v3/openmeter/events", HttpStatusCode.Accepted)]
    [InlineData("POST", "/api/v2/events", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/api/v9/events", HttpStatusCode.NotFound)]
    public async Task OtherEndpoints_AnswerAsTheyDo(string method, string path, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = Content($"[{Event("1", "{}")}]", "application/cloudevents-batch+json") };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(expected, response.StatusCode);
    }

    private Task<HttpResponseMessage> PostAsync(string body, string contentType = "application/cloudevents-batch+json") =>
        client.PostAsync(new Uri("/api/v1/events", UriKind.Relative), Content(body, contentType), TestContext.Current.CancellationToken);

    private static ByteArrayContent Content(string body, string contentType)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return content;
    }

    private static string Event(string id, string data) =>
        $$"""{"specversion":"1.0","id":"{{id}}","source":"urn:test","type":"t","subject":"acme","time":"2026-01-02T03:04:05Z","data":{{data}} }""";
}
