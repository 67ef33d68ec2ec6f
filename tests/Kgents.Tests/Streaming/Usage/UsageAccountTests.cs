using Kgents.Contracts;
using Kgents.Streaming.Models;
using Kgents.Streaming.Usage;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Streaming.Models;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kgents.Tests.Streaming.Usage;

/// <summary>What is charged for a call, by what its provider really put on the wire.</summary>
public sealed class UsageAccountTests : IAsyncLifetime
{
    private readonly TokenCounter counter = new();
    private ScriptedModelServer server = null!;

    public static TheoryData<string> Providers => [.. ModelCalls.Providers];

    public async ValueTask InitializeAsync() => server = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", 70, 30, 0, 30, 20)]
    [InlineData("anthropic", 60, 30, 10, 50, 0)]
    [InlineData("ollama", 100, 0, 0, 50, 0)]
    public async Task Report_BecomesDisjointBuckets(string provider, int uncached, int read, int write, int visible, int reasoning)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(100, 50, Cached: 30, Reasoning: 20, CacheWrite: 10)));

        var charge = await ChargeAsync(server.Connect(provider).Default);

        Assert.Equal(new CallUsage(new TokenBuckets(uncached, read, write, visible, reasoning), TokenCounts.Reported), charge);
        Assert.Equal(new TokenCounts(100, 50, TokenCounts.Reported), charge!.Tokens);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Part_IsCutToItsWhole_WhenMoreOfItIsReported()
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(10, 5, Cached: 30, Reasoning: 20)));

        var charge = await ChargeAsync(server.Connect("openai").Default);

        Assert.Equal(new TokenBuckets(0, 10, 0, 0, 5), charge!.Buckets);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai")]
    [InlineData("anthropic")]
    public async Task ExplicitZero_IsZero(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(0, 0)));

        Assert.Equal(new CallUsage(TokenBuckets.None, TokenCounts.Reported), await ChargeAsync(server.Connect(provider).Default));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai")]
    [InlineData("ollama")]
    public async Task Nothing_Reported_IsCountedHere(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("You put it off"), new ModelStep.Token(" again."), new ModelStep.OmitUsage()));

        var charge = await ChargeAsync(server.Connect(provider).Default);

        var input = counter.Count("scripted-1", "You are K-gent.\nwell?");
        Assert.Equal(new CallUsage(TokenBuckets.None with { InputUncached = input, OutputVisible = 6 }, TokenCounts.Counted), charge);
        Assert.True(input > 0);
    }

    /// <summary>A judgement is made of the model's words, and has more of its own.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Nothing_Reported_IsCountedByWhatTheModelSaid_WhateverWasMadeOfIt()
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("You put it off"), new ModelStep.Token(" again."), new ModelStep.OmitUsage()));

        var charge = await ChargeAsync(server.Connect("openai").Default, relayed: """{"recommendation":"escalate","reasoning":"You put it off again.","alternatives":["Let a person decide."]}""");

        Assert.Equal(6, charge!.Buckets.Output);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Report_OfMoreThanTheModelCanMake_IsNotBelieved(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("two words"), new ModelStep.Usage(10, 1_165_619)));

        var charge = await ChargeAsync(server.Connect(provider, new ModelOptions { MaxRetries = 0, MaxOutputTokens = 128_000 }).Default);

        Assert.Equal((TokenCounts.Counted, 2L), (charge!.Basis, charge.Buckets.Output));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Count_IsCapped_AtTheModelsMost()
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("one two three four five six"), new ModelStep.OmitUsage()));

        var charge = await ChargeAsync(server.Connect("openai", new ModelOptions { MaxRetries = 0, MaxOutputTokens = 4 }).Default);

        Assert.Equal(4, charge!.Buckets.Output);
    }

    /// <summary>A budget asks for less than the model can make.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Charge_IsNeverMoreThanWasAskedFor()
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("one two three four five six"), new ModelStep.Usage(10, 101)));
        server.Enqueue(new ModelScript(new ModelStep.Token("one two"), new ModelStep.Usage(10, 100)));
        var model = server.Connect("openai").Default;

        var (over, within) = (await ChargeAsync(model, asked: 100), await ChargeAsync(model, asked: 100));

        Assert.Equal((TokenCounts.Counted, 6L, TokenCounts.Reported, 100L), (over!.Basis, over.Buckets.Output, within!.Basis, within.Buckets.Output));
    }

    /// <summary>Anthropic tells the input first; the others at the end, which never came.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", 0)]
    [InlineData("anthropic", 70)]
    [InlineData("ollama", 0)]
    public async Task CallThatIsLetGo_CostsWhatWasRelayed_AndTheInputIfItWasTold(string provider, int input)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("You put it off"), new ModelStep.Token(" again."), new ModelStep.Stall(), new ModelStep.Usage(70, 5000, Cached: 20)));

        var charge = await ChargeAsync(server.Connect(provider).Default, leaveAfter: "You put it off again.");

        Assert.Equal(TokenCounts.Counted, charge!.Basis);
        Assert.Equal((input, 6), (charge.Buckets.Input, charge.Buckets.Output));
        Assert.Equal(input > 0 ? 20 : 0, charge.Buckets.CacheRead);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task CallThatIsLetGo_CostsNothing_BeforeItsFirstToken(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("never relayed"), new ModelStep.Stall()));

        Assert.Null(await ChargeAsync(server.Connect(provider).Default, leaveAfter: "never relayed", relayed: ""));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnthropicsReports_AreCumulative_AndWhatOneLeavesOutStays()
    {
        const string First = """event: message_delta{0}data: {{"type":"message_delta","delta":{{"stop_reason":null,"stop_sequence":null}},"usage":{{"output_tokens":5}}}}""";
        const string Last = """event: message_delta{0}data: {{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":12}}}}""";
        server.Enqueue(new ModelScript(
            new ModelStep.Token("hm"), Line(First), Line(Last), new ModelStep.Malformed("event: message_stop\ndata: {\"type\":\"message_stop\"}"), new ModelStep.EndWithoutDone(), new ModelStep.Usage(100, 0, Cached: 30, CacheWrite: 10)));

        var charge = await ChargeAsync(server.Connect("anthropic").Default);

        Assert.Equal(new CallUsage(new TokenBuckets(60, 30, 10, 12, 0), TokenCounts.Reported), charge);

        static ModelStep.Malformed Line(string format) => new(string.Format(System.Globalization.CultureInfo.InvariantCulture, format, "\n"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Persona_CostsNothing() => Assert.Null(await ChargeAsync(LanguageModel.Persona));

    [Fact]
    public void AnswerWithoutTheModel_CostsNothing()
    {
        var meter = new CallMeter(server.Connect("openai").Default);

        Assert.Null(new UsageAccount(counter, NullLogger<UsageAccount>.Instance).Charge(meter, CallEnd.Completed, "Hello. What is on your mind today?")!.Used);
    }

    private async Task<CallUsage?> ChargeAsync(LanguageModel model, string? leaveAfter = null, string? relayed = null, int? asked = null)
    {
        var meter = new CallMeter(model);
        var text = "";
        await foreach (var update in meter.GetStreamingResponseAsync(
            [new ChatMessage(ChatRole.System, "You are K-gent."), new ChatMessage(ChatRole.User, "well?")], new ChatOptions { MaxOutputTokens = asked }, TestContext.Current.CancellationToken))
        {
            text += update.Text;
            if (text == leaveAfter)
            {
                break;
            }
        }

        return new UsageAccount(counter, NullLogger<UsageAccount>.Instance).Charge(meter, leaveAfter is null ? CallEnd.Completed : CallEnd.Cancelled, relayed ?? text)!.Used;
    }
}
