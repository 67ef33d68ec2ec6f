using Kgents.Contracts;
using Kgents.Streaming.Models;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.Streaming.Models;

/// <summary>Every way in which a model can fail has its code, whoever the provider is, and none of the provider's words.</summary>
public sealed class ModelFaultTests : IAsyncLifetime
{
    private static readonly ModelStep Half = new ModelStep.Token("half");

    private ScriptedModelServer server = null!;

    public static TheoryData<string> Providers => [.. ModelCalls.Providers];

    public static TheoryData<string, string, string> Faults => [.. from fault in FaultNames from provider in ModelCalls.Providers select (provider, fault.Name, fault.Code)];

    private static (string Name, string Code)[] FaultNames =>
    [
        ("400", TurnErrorCodes.ModelRefusedRequest),
        ("401", TurnErrorCodes.ModelRefusedCredentials),
        ("402", TurnErrorCodes.ModelRefusedCredentials),
        ("403", TurnErrorCodes.ModelRefusedCredentials),
        ("404", TurnErrorCodes.ModelRefusedRequest),
        ("408", TurnErrorCodes.ModelUnavailable),
        ("425", TurnErrorCodes.ModelUnavailable),
        ("429", TurnErrorCodes.ModelRateLimited),
        ("500", TurnErrorCodes.ModelUnavailable),
        ("503", TurnErrorCodes.ModelUnavailable),
        ("529", TurnErrorCodes.ModelUnavailable),
        ("cut at once", TurnErrorCodes.ModelUnavailable),
        ("cut", TurnErrorCodes.ModelBrokeOff),
        ("closed", TurnErrorCodes.ModelBrokeOff),
        ("malformed", TurnErrorCodes.ModelUnreadable),
        ("not UTF-8", TurnErrorCodes.ModelUnreadable),
        ("half a pair", TurnErrorCodes.ModelUnreadable),
        ("empty", TurnErrorCodes.ModelEmpty),
    ];

    public async ValueTask InitializeAsync() => server = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Faults))]
    public async Task Fault_HasItsCode_AndLeavesTheTextBeforeIt(string provider, string fault, string code)
    {
        var script = Script(provider, fault);
        server.Enqueue(script);

        var (text, thrown) = await server.Connect(provider, new ModelOptions { MaxRetries = 0 }).Default.ReadAsync();

        Assert.Equal(code, thrown?.Code);
        Assert.Equal(script.Steps.Contains(Half) ? "half" : "", text);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Fault_IsUnavailable_WhenNobodyListens(string provider)
    {
        var models = server.Connect(provider);
        await server.DisposeAsync();

        var (_, fault) = await models.Default.ReadAsync();

        Assert.Equal(TurnErrorCodes.ModelUnavailable, fault?.Code);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Fault_HasNothingThatTheProviderSaid(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Status(400, """{"error":{"type":"invalid_request_error","message":"You said: MY SECRET"}}""")));
        server.Enqueue(new ModelScript(Half, new ModelStep.Malformed(provider == "ollama" ? "MY SECRET" : "event: error\ndata: {\"error\":{\"type\":\"MY SECRET\",\"message\":\"MY SECRET\"}"), new ModelStep.EndWithoutDone()));
        var model = server.Connect(provider).Default;

        foreach (var fault in new[] { (await model.ReadAsync()).Fault, (await model.ReadAsync()).Fault })
        {
            Assert.NotNull(fault);
            Assert.DoesNotContain("SECRET", fault.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("overloaded_error", TurnErrorCodes.ModelUnavailable)]
    [InlineData("rate_limit_error", TurnErrorCodes.ModelRateLimited)]
    [InlineData("api_error", TurnErrorCodes.ModelBrokeOff)]
    public async Task AnthropicsErrorEvent_HasItsCode(string type, string code)
    {
        server.Enqueue(new ModelScript(Half, new ModelStep.Malformed($"event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"Overloaded\"}}}}")));

        var (text, fault) = await server.Connect("anthropic").Default.ReadAsync();

        Assert.Equal(("half", code), (text, fault?.Code));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Silence_IsNotThatOfWhoListens(string provider)
    {
        var clock = new FakeTimeProvider();
        var script = new ModelScript(new ModelStep.Token("a"), new ModelStep.WaitForRelease(), new ModelStep.Token("b"));
        server.Enqueue(script);
        var text = "";

        await foreach (var update in server.Connect(provider, time: clock).Default.AskAsync(TestContext.Current.CancellationToken))
        {
            text += update.Text;
            if (text == "a")
            {
                clock.Advance(new ModelOptions().IdleTimeout * 2);
                script.Release();
            }
        }

        Assert.Equal("ab", text);
    }

    /// <summary>On a clock of the test's: each token has the whole time, and the pauses together may be longer than it.</summary>
    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Silence_IsCountedFromTheLastToken(string provider)
    {
        var clock = new FakeTimeProvider();
        var script = new ModelScript(new ModelStep.Token("a"), new ModelStep.WaitForRelease(), new ModelStep.Token("b"), new ModelStep.WaitForRelease(), new ModelStep.Token("c"), new ModelStep.Stall());
        server.Enqueue(script);
        var text = "";
        ModelException? fault = null;
        var model = server.Connect(provider, new ModelOptions { MaxRetries = 0, IdleTimeout = TimeSpan.FromSeconds(60) }, clock).Default;

        await using var updates = model.AskAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        try
        {
            while (true)
            {
                var next = updates.MoveNextAsync().AsTask();
                if (text is "a" or "b" or "ab" or "abc")
                {
                    // The wait for this one has begun.
                    clock.Advance(TimeSpan.FromSeconds(text == "abc" ? 61 : 45));
                    script.Release();
                }

                if (!await next)
                {
                    break;
                }

                text += updates.Current.Text;
            }
        }
        catch (ModelException stalled)
        {
            fault = stalled;
        }

        Assert.Equal(("abc", TurnErrorCodes.ModelStalled), (text, fault?.Code));
        await server.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
    }

    private static ModelScript Script(string provider, string fault) => fault switch
    {
        "cut at once" => new ModelScript(new ModelStep.CutConnection()),
        "cut" => new ModelScript(Half, new ModelStep.CutConnection()),
        "closed" => new ModelScript(Half, new ModelStep.EndWithoutDone()),
        "malformed" => new ModelScript(Half, new ModelStep.Malformed(provider switch { "openai" => "data: {{{", "anthropic" => "event: content_block_delta\ndata: {{{", _ => "{{{" })),
        "not UTF-8" => new ModelScript([Half, .. NotUtf8(provider)]),
        "half a pair" => new ModelScript(Half, new ModelStep.Bytes(ProviderTests.TokenBytes(provider, "\\ud83d"))),
        "empty" => new ModelScript(),
        _ => new ModelScript(new ModelStep.Status(int.Parse(fault, System.Globalization.CultureInfo.InvariantCulture))),
    };

    /// <summary>A character that begins in one packet and is no character in the next.</summary>
    private static IEnumerable<ModelStep> NotUtf8(string provider)
    {
        var bytes = ProviderTests.TokenBytes(provider, "€");
        var at = Array.IndexOf(bytes, (byte)0xE2);
        return [new ModelStep.Bytes(bytes[..(at + 2)]), new ModelStep.Bytes([(byte)'x', .. bytes[(at + 3)..]])];
    }
}
