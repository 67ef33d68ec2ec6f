using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Usage;

[Collection(typeof(OneSystem))]
public sealed partial class UsageTests(SharedSystem shared)
{
    private readonly KgentsSystem system = shared.System;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Usage_ArrivesAsCloudEvents_OneBillableForEachTurn()
    {
        var (tenant, client) = await system.NewTenantAsync();
        var session = await client.CreateSessionAsync();
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("One."), new ModelStep.Usage(120, 45, Cached: 100, Reasoning: 5)));

        var turn = (await client.SayAsync(session, "Count me.")).Turn();

        await system.Store.UsageExportedAsync();
        var usage = Assert.Single(CallsOf(tenant));
        Assert.Equal(
            ["data", "datacontenttype", "id", "source", "specversion", "subject", "time", "type"],
            usage.EnumerateObject().Select(property => property.Name).Order());
        Assert.Equal("1.0", usage.Text("specversion"));
        Assert.Equal("urn:kgents:streaming", usage.Text("source"));
        Assert.Equal("application/json", usage.Text("datacontenttype"));
        Assert.Equal(UsageEvent.BillableType, usage.Text("type"));
        Assert.Equal(5, Guid.Parse(usage.Text("id")).Version);
        Assert.Matches(Utc, usage.Text("time"));

        // The instant of the usage is that of the answer, not that of the export.
        var answered = (await client.MessagesAsync(session))[^1].GetProperty("created_at").GetDateTimeOffset();
        Assert.Equal(answered.ToUnixTimeMilliseconds(), usage.GetProperty("time").GetDateTimeOffset().ToUnixTimeMilliseconds());

        var data = usage.GetProperty("data");
        Assert.Equal((turn, session, "true", "completed"), (data.Text("turn_id"), data.Text("session_id"), data.Text("billable"), data.Text("outcome")));
        Assert.Equal(("20", "100", "0", "40", "5"), (
            data.Text("input_tokens_uncached"), data.Text("cache_read_tokens"), data.Text("cache_write_tokens"), data.Text("output_tokens_visible"), data.Text("reasoning_tokens")));
        Assert.Equal(("120", "45", "165"), (data.Text("input_tokens"), data.Text("output_tokens"), data.Text("total_tokens")));
        Assert.All(data.EnumerateObject(), property => Assert.Equal(JsonValueKind.String, property.Value.ValueKind));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Usage_AddsUpToWhatTheModelReported_AlsoWhenOpenMetersAnswersAreLost()
    {
        // Seeded: the same numbers in every run.
        var random = new Random(20);
        var reported = Enumerable.Range(0, 12).Select(_ => new ModelStep.Usage(random.Next(1, 5000), random.Next(1, 900))).ToList();
        reported.ForEach(usage => system.Model.Enqueue(new ModelScript(new ModelStep.Token("Yes."), usage)));
        var (tenant, client) = await system.NewTenantAsync();
        system.OpenMeter.LoseReplies();

        foreach (var _ in reported)
        {
            await client.SayAsync(await client.CreateSessionAsync(), "How much?");
        }

        await system.Store.UsageExportedAsync();
        Assert.Equal(reported.Count, CallsOf(tenant).Count);
        Assert.Equal(reported.Count, CallsOf(tenant).Select(usage => usage.GetProperty("data").Text("turn_id")).Distinct().Count());
        Assert.Equal(reported.Sum(usage => usage.Prompt), system.OpenMeter.Sum("input_tokens", tenant, UsageEvent.BillableType));
        Assert.Equal(reported.Sum(usage => usage.Completion), system.OpenMeter.Sum("output_tokens", tenant, UsageEvent.BillableType));

        // What was sent without an answer was looked for, and found.
        Assert.Contains(system.Metering.Output, line => line.Contains("perhaps taken; it is asked before they go again", StringComparison.Ordinal));
        Assert.Equal(0, system.OpenMeter.Duplicates);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task TurnsAndRequests_ArriveToo_AndApartFromTokens()
    {
        var (tenant, client) = await system.NewTenantAsync();
        var session = await client.CreateSessionAsync();
        var turn = (await client.SayAsync(session, "Count this turn.")).Turn();
        Assert.Equal(2, (await client.MessagesAsync(session)).Count);

        await Eventually.TrueAsync(() => Task.FromResult(system.OpenMeter.Sum("requests", tenant, UsageEvent.RequestType) >= 3));
        await system.Store.UsageExportedAsync();

        var ofTurn = Assert.Single(system.OpenMeter.AcceptedEvents, usage => usage.Text("subject") == tenant && usage.Text("type") == UsageEvent.TurnType).GetProperty("data");
        Assert.Equal((turn, session, "completed", "1"), (ofTurn.Text("turn_id"), ofTurn.Text("session_id"), ofTurn.Text("outcome"), ofTurn.Text("turns")));
        Assert.Equal(ofTurn.Text("total_tokens"), Assert.Single(CallsOf(tenant)).GetProperty("data").Text("total_tokens"));
        var requests = system.OpenMeter.AcceptedEvents.Where(usage => usage.Text("subject") == tenant && usage.Text("type") == UsageEvent.RequestType).ToList();
        Assert.Equal(3, system.OpenMeter.Sum("requests", tenant, UsageEvent.RequestType));
        Assert.Equal(["createSession", "listMessages", "postMessage"], requests.Select(usage => usage.GetProperty("data").Text("operation")).Distinct().Order());
        Assert.Equal(ofTurn.Text("key_id"), Assert.Single(requests.Select(usage => usage.GetProperty("data").Text("key_id")).Distinct()));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Requests_HaveTheContentTypeWithoutCharset_AndTheToken()
    {
        await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "Any usage will do.");
        await system.Store.UsageExportedAsync();

        Assert.NotEmpty(system.OpenMeter.Requests);
        Assert.All(system.OpenMeter.Requests, request => Assert.Equal(
            ("application/cloudevents-batch+json", "Bearer test-token"), (request.ContentType, request.Authorization)));
    }

    private IReadOnlyList<JsonElement> CallsOf(string tenant) =>
        [.. system.OpenMeter.AcceptedEvents.Where(usage => usage.Text("subject") == tenant && usage.Text("type") is (UsageEvent.BillableType or UsageEvent.NonBillableType))];

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    private static partial Regex Utc { get; }
}
