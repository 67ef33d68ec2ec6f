using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Flux;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>The soul over HTTP: one question and one judgement, each a turn that is metered like any other; each judgement leaves its audit record.</summary>
public sealed class SoulEndpointTests : TurnTest
{
    private const string Approval = "RECOMMENDATION: approve\nCONFIDENCE: 0.9\nPRINCIPLES: simplicity\nREASONING: It only reads.";

    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(
            Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Model:MaxRetries", "0"), ("Deletions:Interval", "00:00:00.050"), ("Deletions:PurgeAgainAfter", "00:00:00.100"));
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Dialogue_IsAnsweredByTheModel_WithItsOwnTokens_AndGoesOnAsASession()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("Plain words."), new ModelStep.Usage(40, 3)));

        var answer = await PostAsync("dialogue", new { prompt = "Is plain language from first principles?", mode = "Advise", budget = "deep" });

        Assert.Equal(("Plain words.", "advise", "deep", 43), (Text(answer, "response"), Text(answer, "mode"), Text(answer, "budget"), answer.GetProperty("tokens_used").GetInt64()));
        Assert.Equal(Eigenvectors.Names, answer.GetProperty("eigenvectors").EnumerateObject().Select(each => each.Name));
        Assert.Equal(["plain and direct language"], Texts(answer, "referenced_preferences"));
        Assert.Equal(["starts from first principles"], Texts(answer, "referenced_patterns"));
        var records = await TurnRecords.ReadAsync(host, Text(answer, "session_id"), TurnId.Parse(Text(answer, "turn_id")));
        Assert.Equal("43", Assert.Single(records.BillableUsage).GetProperty("data").GetProperty("total_tokens").GetString());

        await host.Client.SayAsync(Text(answer, "session_id"), "And then?");
        Assert.Equal(["Is plain language from first principles?", "Plain words.", "And then?"], Model.Requests[1].Messages.Skip(1).Select(message => message.Content));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Dialogue_AsksBack_WhenNothingWasSaid()
    {
        var answer = await PostAsync("dialogue", new { prompt = "  " });

        Assert.Equal((Templates.Empty, 0, "kgent-persona"), (Text(answer, "response"), answer.GetProperty("tokens_used").GetInt64(), Text(answer, "model")));
        Assert.Empty(Model.Requests);
        Assert.Empty((await TurnRecords.ReadAsync(host, Text(answer, "session_id"), TurnId.Parse(Text(answer, "turn_id")))).BillableUsage);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("dialogue", """{"prompt":"hm","mode":"sing"}""", "reflect, advise, challenge, explore", 422)]
    [InlineData("dialogue", """{"prompt":"hm","budget":"lavish"}""", "dormant, whisper, dialogue, deep", 422)]
    [InlineData("dialogue", """{}""", "prompt", 422)]
    [InlineData("governance", """{"action":" "}""", "action", 422)]
    [InlineData("governance", """{"action":"read","budget":"lavish"}""", "dormant, whisper, dialogue, deep", 422)]
    [InlineData("governance", """{"action":"read","context":{"severity":7}}""", "from 0 to 1", 422)]
    [InlineData("governance", """{"action":"read","context":{"reason":7}}""", "reason", 422)]
    [InlineData("governance", """{"action":"read","context":[]}""", "object", 422)]
    public async Task BadInput_IsRefusedWithTheChoices_AndNothingIsStored(string path, string body, string told, int status)
    {
        using var response = await host.Client.PostAsync($"/v1/soul/{path}", new StringContent(body, null, "application/json"), TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(told, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty((await host.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions", TestContext.Current.CancellationToken)).GetProperty("sessions").EnumerateArray());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Governance_Approves_WhenTheModelIsSure_AndIsMetered()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token(Approval), new ModelStep.Usage(90, 20)));

        var answer = await PostAsync("governance", new { action = "read a page", context = new { reason = "to know", severity = 0.1, team = "ignored" } });

        Assert.Equal((true, "approve", 0.9, "It only reads", 110), (answer.GetProperty("approved").GetBoolean(), Text(answer, "recommendation"), answer.GetProperty("confidence").GetDouble(), Text(answer, "reasoning"), answer.GetProperty("tokens_used").GetInt64()));
        Assert.Equal(["simplicity"], Texts(answer, "principles"));
        Assert.Empty(Texts(answer, "alternatives"));
        var request = Assert.Single(Model.Requests);
        Assert.Equal((0.2, 500), (Math.Round(request.Temperature!.Value, 3), request.MaxTokens!.Value));
        Assert.Equal("""{"action":"read a page","reason":"to know","severity":0.1}""", request.Messages[1].Content);
        var records = await TurnRecords.ReadAsync(host, Text(answer, "session_id"), TurnId.Parse(Text(answer, "turn_id")));
        Assert.Equal("110", Assert.Single(records.BillableUsage).GetProperty("data").GetProperty("total_tokens").GetString());

        var audit = await AuditAsync(answer);
        Assert.Equal(("default", "read a page", "to know", "approve", 0.9, 110), (audit.Tenant.ToString(), audit.Proposed.Action, audit.Proposed.Reason, audit.Judgement.Recommendation, audit.Judgement.Confidence, audit.Tokens.Total));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("delete the production database", "SAFETY_OVERRIDE", 0)]
    [InlineData("read a page", "ERROR_FALLBACK", 1)]
    public async Task Governance_Escalates_WhatIsDangerousOrCannotBeJudged(string action, string principle, int asked)
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Status(500));

        var answer = await PostAsync("governance", new { action });

        Assert.Equal((false, "escalate", 0d, 0), (answer.GetProperty("approved").GetBoolean(), Text(answer, "recommendation"), answer.GetProperty("confidence").GetDouble(), answer.GetProperty("tokens_used").GetInt64()));
        Assert.Equal([principle], Texts(answer, "principles"));
        Assert.Equal(3, Texts(answer, "alternatives").Count);
        Assert.Equal(asked, Model.Requests.Count);
        Assert.Equal((action, "escalate", "none"), (await AuditAsync(answer)) is var audit ? (audit.Proposed.Action, audit.Judgement.Recommendation, audit.Tokens.Basis) : default);
        Assert.Empty((await TurnRecords.ReadAsync(host, Text(answer, "session_id"), TurnId.Parse(Text(answer, "turn_id")))).BillableUsage);
    }

    /// <summary>The persona's templates say yes to nothing.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Governance_Escalates_WhenThereIsNoLanguageModel()
    {
        await using var other = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var bare = await KgentsHost.StartAsync(other.Url, Parts.Api | Parts.Streaming);

        using var response = await SendAsync("governance", new { action = "read a page" }, key: null, bare.Client);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal((false, "escalate"), (answer.GetProperty("approved").GetBoolean(), Text(answer, "recommendation")));
        Assert.Equal(["NO_MODEL"], Texts(answer, "principles"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task CancelledGovernance_IsNoDecision_AndLeavesNoRecord()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("RECOMMENDATION: approve"), new ModelStep.Stall()));
        var asking = SendAsync("governance", new { action = "read a page" }, key: null);
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);
        var sessions = await host.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions", TestContext.Current.CancellationToken);
        var session = Text(Assert.Single(sessions.GetProperty("sessions").EnumerateArray()), "id");
        var turn = Assert.Single(await host.AskedAsync(session));

        using var cancelled = await host.Client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", UriKind.Relative), null, TestContext.Current.CancellationToken);
        using var response = await asking;

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Conflict), (cancelled.StatusCode, response.StatusCode));
        Assert.Equal(0, (await host.JetStream.GetStreamAsync(Streams.Audit.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.State.Messages);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Request_RunsOnce_HoweverOftenItIsSentUnderOneKey()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token(Approval), new ModelStep.Usage(90, 20)));

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PostAsync("governance", new { action = "read a page" }, key: "k-1")));
        var late = await PostAsync("governance", new { action = "read a page" }, key: "k-1");

        Assert.Single(Model.Requests);
        Assert.All(answers.Append(late), answer => Assert.Equal(answers[0].GetRawText(), answer.GetRawText()));
        Assert.Equal(1, (await host.JetStream.GetStreamAsync(Streams.Audit.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.State.Messages);
        using var other = await SendAsync("governance", new { action = "read another page" }, "k-1");
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Keys_OfTwoTenants_AreTwoKeys()
    {
        using var stranger = await host.NewClientAsync("stranger");
        Model.DefaultScript = ModelScript.Reply("mine");
        var mine = await PostAsync("dialogue", new { prompt = "why?" }, key: "k-1");
        Model.DefaultScript = ModelScript.Reply("theirs");

        using var response = await SendAsync("dialogue", new { prompt = "why?" }, "k-1", stranger);
        var theirs = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(("mine", "theirs"), (Text(mine, "response"), Text(theirs, "response")));
        Assert.NotEqual(Text(mine, "session_id"), Text(theirs, "session_id"));
    }

    /// <summary>A session is stored with the message for which it is made, or not at all.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("dialogue", null)]
    [InlineData("governance", null)]
    [InlineData("dialogue", "k-1")]
    public async Task Request_LeavesNothing_WhenThereIsNoRoomForItsTurn(string path, string? key)
    {
        await using var narrow = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Plans:Table:custom:Turns", "1"));
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.Enqueue(held);
        using var running = await narrow.Client.PostAsync(await narrow.Client.CreateSessionAsync(), "first");
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);
        object body = path == "dialogue" ? new { prompt = "why?" } : new { action = "read a page" };
        var before = await SessionsAsync();

        using var refused = await SendAsync(path, body, key, narrow.Client);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(before, await SessionsAsync());
        held.Release();
        await running.TurnAsync();
        Model.DefaultScript = ModelScript.Reply(Approval);
        using var asked = await SendAsync(path, body, key, narrow.Client);
        Assert.Equal(HttpStatusCode.OK, asked.StatusCode);

        // Of a key only its entry is kept, which promises it a turn.
        async Task<string> SessionsAsync() => string.Join('\n', (await StoredState.ReadAsync(narrow)).Split('\n').Where(line => key is null || !line.StartsWith("KV_kgents_idempotency ", StringComparison.Ordinal)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Request_IsRefused_WhenTheSessionOfItsKeyWasDeleted()
    {
        Model.DefaultScript = ModelScript.Reply("mine");
        var answer = await PostAsync("dialogue", new { prompt = "why?" }, key: "k-1");
        var session = Text(answer, "session_id");
        using var deleted = await host.Client.DeleteAsync(new Uri($"/v1/kgent/sessions/{session}", UriKind.Relative), TestContext.Current.CancellationToken);
        await Remains.NoneAsync(host, SessionId.Parse(session));

        using var again = await SendAsync("dialogue", new { prompt = "why?" }, "k-1");

        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Single(Model.Requests);
    }

    private async Task<AuditRecord> AuditAsync(JsonElement answer)
    {
        var turn = new TurnAddress(Conversations.Tenant, SessionId.Parse(Text(answer, "session_id")), TurnId.Parse(Text(answer, "turn_id")));
        var entry = await host.Reader.LastAsync(Streams.Audit.Name, Subjects.Audit(turn), TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(entry!.Data.Span, WireJson.Default.AuditRecord)!;
    }

    private async Task<JsonElement> PostAsync(string path, object body, string? key = null)
    {
        using var response = await SendAsync(path, body, key);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, object body, string? key = null, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/soul/{path}") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await (client ?? host.Client).SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static string Text(JsonElement answer, string name) => answer.GetProperty(name).GetString()!;

    private static List<string> Texts(JsonElement answer, string name) => [.. answer.GetProperty(name).EnumerateArray().Select(each => each.GetString()!)];
}
