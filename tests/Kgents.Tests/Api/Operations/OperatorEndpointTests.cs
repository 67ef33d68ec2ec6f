using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.Tests.Api.Operations;

/// <summary>What the operator decides over HTTP is in the ledger, as if it were decided by command.</summary>
public sealed class OperatorEndpointTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task DeadLetters_AreListedReadReplayedAndDiscarded()
    {
        OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var refused = new List<ulong>();
        for (var number = 0; number < 3; number++)
        {
            refused.Add(await Recorder.RecordAsync(UsageSample.Event($"bad-{number}", UsageRecorder.Tenant, 7, model: "poison")));
        }

        var quarantined = await Recorder.RecordAsync("{}");
        await Eventually.TrueAsync(async () => await Recorder.Ledger.StateAsync() is { Refused.Count: 3, Quarantined.Count: 1 });

        var page = await api.Client.GetFromJsonAsync<JsonElement>("/v1/admin/dead-letters?limit=3", TestContext.Current.CancellationToken);
        var rest = await api.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/dead-letters?cursor={Text(page, "next")}", TestContext.Current.CancellationToken);
        Assert.Equal((3, 1), (Letters(page).Count(), Letters(rest).Count()));
        Assert.Equal([.. refused.Select(each => $"{each} refused"), $"{quarantined} quarantined"], Letters(page).Concat(Letters(rest)).Order());
        var times = new[] { page, rest }.SelectMany(each => each.GetProperty("dead_letters").EnumerateArray()).Select(each => each.GetProperty("at").GetDateTimeOffset()).ToList();
        Assert.Equal(times.OrderDescending(), times);
        Assert.False(rest.TryGetProperty("next", out _));

        var one = await api.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/dead-letters/{refused[0]}", TestContext.Current.CancellationToken);
        Assert.Equal(("acme", "refused"), (Text(one, "tenant_id"), Text(one, "state")));
        Assert.Contains("\"id\":\"bad-0\"", Text(one, "event"), StringComparison.Ordinal);

        OpenMeter.IsPoison = null;
        Assert.Equal(HttpStatusCode.NoContent, (await DecideAsync(api, $"{refused[0]}/replay", "mended")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await DecideAsync(api, $"{refused[1]}/discard", "a mistake")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await DecideAsync(api, $"{quarantined}/discard", "no event")).Status);

        // The same guards as by command.
        Assert.Equal((HttpStatusCode.Conflict, $"Nothing was done: {refused[1]} is neither refused nor quarantined."), await DecideAsync(api, $"{refused[1]}/discard", "again"));
        Assert.Equal(HttpStatusCode.Conflict, (await DecideAsync(api, $"{quarantined}/replay", "why not")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await DecideAsync(api, "4711/replay", "why not")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await DecideAsync(api, "x/replay", "why not")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await DecideAsync(api, $"{refused[2]}/discard", " ")).Status);

        await Eventually.TrueAsync(() => OpenMeter.AcceptedEvents.Any(usage => usage.GetProperty("id").ValueEquals("bad-0")));
        Assert.Equal(["a mistake", "no event"], (await Recorder.Ledger.EntriesAsync<UsageDiscarded>()).Select(entry => entry.Reason));
        Assert.Equal("decided", Text(await api.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/dead-letters/{refused[1]}", TestContext.Current.CancellationToken), "state"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsTakenBack_OnceForEachReference()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var sequence = await Recorder.RecordAsync(UsageSample.Event("corrected", UsageRecorder.Tenant, 30, 8));
        await Recorder.SettledAsync();

        var (status, first) = await CorrectAsync(api, sequence, new { reason = "slow", reference = "t-1", quantities = new { output_tokens_visible = "5" } });
        var (again, same) = await CorrectAsync(api, sequence, new { reason = "slow", reference = "t-1", quantities = new { output_tokens_visible = "5" } });
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK, Text(first, "id")), (status, again, Text(same, "id")));
        Assert.Equal(HttpStatusCode.Conflict, (await CorrectAsync(api, sequence, new { reason = "slow", reference = "t-2", quantities = new { output_tokens_visible = "4" } })).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await CorrectAsync(api, sequence, new { reason = "slow", reference = "t-2", quantities = new { output_tokens_visible = "x" } })).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await CorrectAsync(api, sequence, new { reason = "slow" })).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await CorrectAsync(api, 4711, new { reason = "slow", reference = "t-2" })).Status);

        await Recorder.SettledAsync();
        Assert.Equal(3, OpenMeter.Sum("output_tokens_visible", "acme"));
    }

    /// <summary>Each quote is six bytes of the answer, which would not be a message any more.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EventThatIsTooLargeForAnAnswer_IsShownInPart()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var sequence = await Recorder.RecordAsync(new string('"', 300_000));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Quarantined.Count == 1);

        var letter = await api.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/dead-letters/{sequence}", TestContext.Current.CancellationToken);

        Assert.Equal(new string('"', 64 * 1024), Text(letter, "event"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatFailsUnforeseen_IsAnswered_AndStopsNothing()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var usage = UsageSample.Event("twice", UsageRecorder.Tenant, 30, 8).Replace("\"data\":{", "\"data\":{\"more\":\"1\",\"more\":\"2\",", StringComparison.Ordinal);
        var sequence = await Recorder.RecordAsync(usage);
        await Recorder.SettledAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await CorrectAsync(api, sequence, new { reason = "slow", reference = "t-1" })).Status);

        Assert.False(metering.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        using var response = await api.Client.GetAsync(new Uri("/v1/admin/dead-letters", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Operator_IsToldThatMeteringIsAway()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);

        using var response = await api.Client.GetAsync(new Uri("/v1/admin/dead-letters", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.EndsWith("metering-away", Text(await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken), "type"), StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, string? Detail)> DecideAsync(KgentsHost api, string path, string reason)
    {
        using var response = await api.Client.PostAsJsonAsync($"/v1/admin/dead-letters/{path}", new { reason }, TestContext.Current.CancellationToken);
        return (response.StatusCode, response.IsSuccessStatusCode ? null : Text(await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken), "detail"));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> CorrectAsync(KgentsHost api, ulong sequence, object body)
    {
        using var response = await api.Client.PostAsJsonAsync($"/v1/admin/usage/{sequence}/corrections", body, TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken));
    }

    private static IEnumerable<string> Letters(JsonElement page) => page.GetProperty("dead_letters").EnumerateArray().Select(letter => $"{Text(letter, "sequence")} {Text(letter, "state")}");

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
