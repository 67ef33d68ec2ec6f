using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>What a turn comes to, by what its model does: the end that the client sees, the text that is kept, the usage that is billed.</summary>
public sealed class TurnOutcomeTests : TurnTest
{
    private readonly SilenceClock clock = new();
    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(
            Nats.Url,
            Parts.Api | Parts.Streaming,
            clock,
            ("ConnectionStrings:llm", Model.ConnectionString),
            ("Model:MaxRetries", "0"),
            ("Model:IdleTimeout", SilenceClock.Silence.ToString()),
            ("Turns:MaxReplyBytes", "2048"));
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsInDisjointBuckets_WhenTheProviderReportsParts()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(100, 50, Cached: 30, Reasoning: 20)));

        var (turn, records) = await SayAsync("think");

        var data = Assert.Single(records.BillableUsage).GetProperty("data");
        Assert.Equal(
            ("70", "30", "0", "30", "20", "100", "50", "150"),
            (Text("input_tokens_uncached"), Text("cache_read_tokens"), Text("cache_write_tokens"), Text("output_tokens_visible"), Text("reasoning_tokens"), Text("input_tokens"), Text("output_tokens"), Text("total_tokens")));
        Assert.Equal(150, turn.End.GetProperty("tokens").GetProperty("total").GetInt64());
        Assert.Equal("reported", turn.End.GetProperty("tokens").GetProperty("basis").GetString());

        string Text(string name) => data.GetProperty(name).GetString()!;
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EachTurn_HasOneEventOfItsOwn_WhichItsCommitHolds()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(100, 50)));
        var (_, completed) = await SayAsync("think");
        Model.Enqueue(new ModelScript(new ModelStep.Status(500)));
        var (_, failed) = await SayAsync("think");

        var data = Assert.Single(completed.TurnUsage).GetProperty("data");
        Assert.Equal(
            ("completed", "1", "1", "1", "1", "150", "reflect"),
            (Text(data, "outcome"), Text(data, "turns"), Text(data, "attempts"), Text(data, "calls"), Text(data, "chunks"), Text(data, "total_tokens"), Text(data, "mode")));
        Assert.Equal(Text(data, "key_id"), Text(Assert.Single(completed.BillableUsage).GetProperty("data"), "key_id"));
        Assert.StartsWith("k-", Text(data, "key_id"), StringComparison.Ordinal);
        Assert.All(data.EnumerateObject(), field => Assert.Equal(System.Text.Json.JsonValueKind.String, field.Value.ValueKind));
        Assert.Contains(completed.TurnUsage[0].GetRawText(), Assert.Single(completed.Events.OfType<TurnCommitted>()).UsageEvents.Select(payload => payload.Json));

        data = Assert.Single(failed.TurnUsage).GetProperty("data");
        Assert.Equal(("failed", TurnErrorCodes.ModelUnavailable, "0"), (Text(data, "outcome"), Text(data, "error_code"), Text(data, "total_tokens")));

        static string Text(System.Text.Json.JsonElement data, string name) => data.GetProperty(name).GetString()!;
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tokens_AreCountedHere_WhenTheProviderReportsNothing()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("You put it off"), new ModelStep.Token(" again."), new ModelStep.OmitUsage()));

        var (turn, records) = await SayAsync("think");

        Assert.Equal("complete", turn.EndKind);
        var tokens = turn.End.GetProperty("tokens");
        Assert.Equal(("counted", 6), (tokens.GetProperty("basis").GetString(), tokens.GetProperty("output").GetInt64()));
        var data = Assert.Single(records.BillableUsage).GetProperty("data");
        Assert.Equal(("counted", "6"), (data.GetProperty("usage_source").GetString(), data.GetProperty("output_tokens").GetString()));
        Assert.Equal(tokens.GetProperty("input").GetInt64().ToString(System.Globalization.CultureInfo.InvariantCulture), data.GetProperty("input_tokens").GetString());
        Assert.Contains(host.Logs.Lines, line => line.Contains("reported no usage", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_CostsTheSame_WithAndWithoutAStream()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(100, 50, Cached: 30, Reasoning: 20));
        var (turn, streamed) = await SayAsync("think");

        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "think", stream: false);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(turn.End.GetProperty("tokens").GetRawText(), answer.GetProperty("tokens").GetRawText());
        var whole = await TurnRecords.ReadAsync(host, session, TurnId.Parse(answer.GetProperty("turn_id").GetString()!));
        Assert.Equal(Counts(Assert.Single(streamed.BillableUsage)), Counts(Assert.Single(whole.BillableUsage)));

        static IEnumerable<string> Counts(JsonElement usage) =>
            usage.GetProperty("data").EnumerateObject().Where(property => property.Name.Contains("tokens", StringComparison.Ordinal)).Select(property => property.ToString());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnExplicitZero_IsZeroAndReported()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(0, 0)));

        var (turn, records) = await SayAsync("think");

        Assert.Equal("reported", turn.End.GetProperty("tokens").GetProperty("basis").GetString());
        Assert.Equal("0", Assert.Single(records.BillableUsage).GetProperty("data").GetProperty("total_tokens").GetString());
    }

    public static TheoryData<string, ModelScript, string> Faults => new()
    {
        { "model_unavailable", new ModelScript(new ModelStep.Status(500)), "" },
        { "model_refused_credentials", new ModelScript(new ModelStep.Status(401)), "" },
        { "model_refused_request", new ModelScript(new ModelStep.Status(400)), "" },
        { "model_rate_limited", new ModelScript(new ModelStep.Status(429)), "" },
        { "model_empty", new ModelScript(new ModelStep.Usage(100, 0)), "" },
        { "model_broke_off", new ModelScript(new ModelStep.Token("half"), new ModelStep.CutConnection()), "half" },
        { "model_stalled", new ModelScript(new ModelStep.Token("half"), new ModelStep.Stall()), "half" },
        { "model_broke_off", new ModelScript(new ModelStep.Token("half"), new ModelStep.OmitUsage(), new ModelStep.EndWithoutDone()), "half" },
        { "model_unreadable", new ModelScript(new ModelStep.Token("half"), new ModelStep.Malformed("data: {{{")), "half" },
        { "model_unreadable", new ModelScript(new ModelStep.Token("half"), new ModelStep.Bytes([(byte)'d', 0xE2]), new ModelStep.Bytes([0x28, (byte)'\n'])), "half" },
    };

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public async Task Turn_EndsWithOneErrorAndUnbilled_WhenTheModelFails(string code, ModelScript script, string kept)
    {
        Model.Enqueue(script);
        var silence = code == "model_stalled" ? EndSilenceAsync() : Task.CompletedTask;

        var (turn, records) = await SayAsync("think");
        await silence;

        Assert.Equal("error", turn.EndKind);
        Assert.Equal((code, TurnErrorTexts.Of(code)), (turn.End.GetProperty("code").GetString(), turn.End.GetProperty("message").GetString()));
        Assert.Equal(kept, Assert.Single(records.Answers).Text);
        Assert.Equal(TurnStatus.Failed, records.Answers[0].Status);
        Assert.Empty(records.BillableUsage);
        var unbilled = Assert.Single(records.Usage).GetProperty("data");
        Assert.Equal(("upstream_error", "0"), (unbilled.GetProperty("outcome").GetString(), unbilled.GetProperty("total_tokens").GetString()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsReplyTooLong_WhenOnePieceIsLargerThanAMessageMayBe()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("so far"), new ModelStep.Token(new string('x', 2 * 1024 * 1024))));

        var (turn, records) = await SayAsync("talk");

        Assert.Equal(("reply_too_long", "so far"), (turn.End.GetProperty("code").GetString(), Assert.Single(records.Answers).Text));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Log_HasNothingOfTheErrorsText_WhenTheProviderQuotesThePrompt()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Status(400, """{"error":{"message":"your prompt was: MY SECRET"}}""")));

        var (turn, _) = await SayAsync("MY SECRET");

        Assert.Equal("model_refused_request", turn.End.GetProperty("code").GetString());
        Assert.Contains(host.Logs.Lines, line => line.Contains("HTTP 400", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Contains("MY SECRET", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Model_IsLetGo_WhenItsAnswerIsTooLong()
    {
        Model.Enqueue(new ModelScript([.. Enumerable.Repeat(new ModelStep.Token(new string('x', 200)), 20), new ModelStep.Stall()]));

        var (turn, records) = await SayAsync("talk");

        Assert.Equal("reply_too_long", turn.End.GetProperty("code").GetString());
        Assert.Empty(records.BillableUsage);
        await Model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Once the first token is in the log.</summary>
    private async Task EndSilenceAsync()
    {
        await host.ChunkLoggedAsync();
        await clock.EndAsync();
    }

    private async Task<(Turn Turn, TurnRecords Records)> SayAsync(string message)
    {
        var session = await host.Client.CreateSessionAsync();
        var turn = new Turn(await host.Client.SayAsync(session, message));
        return (turn, await TurnRecords.ReadAsync(host, session, turn.Id));
    }
}
