using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>A turn from the client to the wire of each provider and back.</summary>
public sealed class ProviderTurnTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;

    public static TheoryData<string> Providers => [.. Models.ModelCalls.Providers];

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Chunks_AreTheAnswerToTheByte_AndItsUsageTheProviders(string provider)
    {
        await StartAsync(provider);
        model.Enqueue(new ModelScript(new ModelStep.Token("  Zwei "), new ModelStep.Token("Wörter\n\n"), new ModelStep.Token("👩‍👩‍👧 "), new ModelStep.Usage(100, 50)));
        var session = await host.Client.CreateSessionAsync();

        var turn = new Turn(await host.Client.SayAsync(session, "well?"));

        var records = await TurnRecords.ReadAsync(host, session, turn.Id);
        Assert.Equal("  Zwei Wörter\n\n👩‍👩‍👧 ", turn.Text);
        Assert.Equal([turn.Text, turn.Text], [turn.End.GetProperty("text").GetString(), Assert.Single(records.Answers).Text]);
        Assert.Equal(new TokenCounts(100, 50, TokenCounts.Reported), records.Answers[0].Tokens);
        var data = Assert.Single(records.BillableUsage).GetProperty("data");
        Assert.Equal((provider, "scripted-1", "provider"), (data.GetProperty("provider").GetString(), data.GetProperty("model").GetString(), data.GetProperty("usage_source").GetString()));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Answer_SaysThatItIsCut_WhenItReachedItsCap(string provider)
    {
        await StartAsync(provider);
        model.Enqueue(new ModelScript(new ModelStep.Token("All of"), new ModelStep.Finish("length")));
        model.Enqueue(new ModelScript(new ModelStep.Token("Not cut.")));
        var session = await host.Client.CreateSessionAsync();

        var cut = new Turn(await host.Client.SayAsync(session, "well?"));
        var whole = new Turn(await host.Client.SayAsync(session, "and?"));

        Assert.Equal(["length", "stop"], [Reason(cut.End), Reason(whole.End)]);
        Assert.Equal(["length", "stop"], (await host.Client.MessagesAsync(session)).Where(message => message.GetProperty("role").GetString() == "assistant").Select(Reason));

        static string? Reason(JsonElement json) => json.GetProperty("finish_reason").GetString();
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task FirstToken_IsWithTheClient_BeforeTheModelHasASecond(string provider)
    {
        await StartAsync(provider);
        var script = new ModelScript(new ModelStep.Token("first"), new ModelStep.WaitForRelease(), new ModelStep.Token(" second"));
        model.Enqueue(script);
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "well?");
        var frames = new List<SseFrame>();

        await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
        {
            frames.Add(frame);
            if (frame.Event == "chunk" && frames.Count(each => each.Event == "chunk") == 1)
            {
                Assert.Equal("first", frame.Json.GetProperty("text").GetString());
                script.Release();
            }
        }

        Assert.Equal("first second", new Turn(frames).Text);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", 0)]
    [InlineData("anthropic", 70)]
    [InlineData("ollama", 0)]
    public async Task CancelledTurn_CostsWhatWasRelayed_AndTheModelSeesAClosedSocket(string provider, int input)
    {
        await StartAsync(provider);
        model.Enqueue(new ModelScript(new ModelStep.Token("You put it off again."), new ModelStep.Stall(), new ModelStep.Usage(70, 5000)));
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "well?");
        var frames = new List<SseFrame>();

        await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
        {
            frames.Add(frame);
            if (frame.Event == "chunk")
            {
                var cancelled = await host.Client.PostAsync($"/v1/kgent/sessions/{session}/turns/{new Turn(frames).Id}/cancel", null, TestContext.Current.CancellationToken);
                Assert.Equal(HttpStatusCode.Accepted, cancelled.StatusCode);
            }
        }

        var turn = new Turn(frames);
        Assert.Equal("cancelled", turn.EndKind);
        await model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
        var records = await TurnRecords.ReadAsync(host, session, turn.Id);
        Assert.Equal(new TokenCounts(input, 6, TokenCounts.Counted), Assert.Single(records.Answers).Tokens);
        var data = Assert.Single(records.BillableUsage).GetProperty("data");
        Assert.Equal(("client_cancelled", "counted", "6"), (data.GetProperty("outcome").GetString(), data.GetProperty("usage_source").GetString(), data.GetProperty("output_tokens").GetString()));
        Assert.Equal(Assert.Single(records.Usage).GetRawText(), Assert.Single(records.Events.OfType<TurnCommitted>()).UsageEvents[0].Json);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(401, HttpStatusCode.BadGateway, "model_refused_credentials")]
    [InlineData(429, HttpStatusCode.ServiceUnavailable, "model_rate_limited")]
    [InlineData(500, HttpStatusCode.BadGateway, "model_unavailable")]
    public async Task Problem_HasTheCode_WhenNoStreamWasAskedFor(int answered, HttpStatusCode expected, string code)
    {
        await StartAsync("openai");
        model.Enqueue(new ModelScript(new ModelStep.Status(answered)));

        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "well?", stream: false);

        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((expected, code, $"urn:kgents:problem:{code.Replace('_', '-')}"), (response.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("type").GetString()));
    }

    private async Task StartAsync(string provider) => host = await KgentsHost.StartAsync(
        nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionStringOf(provider)), ("Model:MaxRetries", "0"));
}
