using System.Collections.Concurrent;
using Kgents.Contracts;
using Kgents.Streaming.Models;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming.Models;

/// <summary>A model is called again only before its first token, as often as it is set, and not sooner than its provider asks.</summary>
public sealed class ModelRetryTests : IAsyncLifetime
{
    private static readonly ModelOptions Twice = new() { MaxRetries = 2, MaxRetryDelay = TimeSpan.FromMilliseconds(1), IdleTimeout = SilenceClock.Silence };

    private ScriptedModelServer server = null!;

    public static TheoryData<string> Providers => [.. ModelCalls.Providers];

    public static TheoryData<string, ModelScript> Passing => [.. from provider in ModelCalls.Providers from fault in PassingFaults select (provider, fault)];

    public static TheoryData<string, int> Final => [.. from provider in ModelCalls.Providers from status in new[] { 400, 401, 403, 404, 422 } select (provider, status)];

    private static ModelScript[] PassingFaults =>
    [
        new(new ModelStep.Status(429)),
        new(new ModelStep.Status(500)),
        new(new ModelStep.Status(529)),
        new(new ModelStep.CutConnection()),
        new(new ModelStep.Token(""), new ModelStep.CutConnection()),
    ];

    public async ValueTask InitializeAsync() => server = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Passing), DisableDiscoveryEnumeration = true)]
    public async Task Model_IsCalledAgain_WhenItFailsBeforeItsFirstToken(string provider, ModelScript fault)
    {
        server.Enqueue(fault);
        server.Enqueue(fault);
        server.Enqueue(ModelScript.Reply("well", "!"));

        var (text, thrown) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.Equal(("well!", null, 3), (text, thrown?.Code, server.Requests.Count));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Model_IsCalledAgain_WhenItIsSilentBeforeItsFirstToken(string provider)
    {
        var clock = new SilenceClock();
        server.Enqueue(new ModelScript(new ModelStep.Stall()));
        server.Enqueue(ModelScript.Reply("well", "!"));
        var reading = server.Connect(provider, Twice, clock).Default.ReadAsync();
        await server.NextRequestAsync(TestContext.Current.CancellationToken);

        await clock.EndAsync();

        var (text, thrown) = await reading;
        Assert.Equal(("well!", null, 2), (text, thrown?.Code, server.Requests.Count));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Model_IsCalledAsOftenAsIsSet_AndTheProvidersClientAddsNothing(string provider)
    {
        server.DefaultScript = new ModelScript(new ModelStep.Status(503));

        var (_, fault) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.Equal((TurnErrorCodes.ModelUnavailable, 3), (fault?.Code, server.Requests.Count));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Final))]
    public async Task Model_IsNotCalledAgain_WhenItWouldRefuseAgain(string provider, int status)
    {
        server.DefaultScript = new ModelScript(new ModelStep.Status(status));

        var (_, fault) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.NotNull(fault);
        Assert.Single(server.Requests);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Model_IsNotCalledAgain_AfterItsFirstToken(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("half"), new ModelStep.CutConnection()));

        var (text, fault) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.Equal(("half", TurnErrorCodes.ModelBrokeOff, 1), (text, fault?.Code, server.Requests.Count));
    }

    /// <summary>Nobody has seen what a model thinks, and it costs all the same.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("anthropic", """event: content_block_delta%data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}""")]
    [InlineData("ollama", """{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}""")]
    public async Task Model_IsNotCalledAgain_AfterItsFirstThought(string provider, string thought)
    {
        server.Enqueue(new ModelScript(new ModelStep.Malformed(thought.Replace('%', '\n')), new ModelStep.CutConnection()));

        var (text, fault) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.Equal(("", TurnErrorCodes.ModelBrokeOff, 1), (text, fault?.Code, server.Requests.Count));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", 7_000)]
    [InlineData("openai", 1_500)]
    [InlineData("anthropic", 7_000)]
    [InlineData("anthropic", 1_500)]
    [InlineData("ollama", 7_000)]
    public async Task Model_IsCalledAgain_NoSoonerThanItsProviderAsks(string provider, int milliseconds)
    {
        var clock = new PauseClock();
        server.Enqueue(new ModelScript(new ModelStep.Status(429, RetryAfter: TimeSpan.FromMilliseconds(milliseconds))));

        var (_, fault) = await server.Connect(provider, new ModelOptions { MaxRetries = 1, MaxRetryDelay = TimeSpan.FromSeconds(20) }, clock).Default.ReadAsync();

        Assert.Null(fault);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Assert.Single(clock.Pauses));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Model_IsNotCalledAgain_WhenItsProviderAsksForALongerPauseThanIsAllowed(string provider)
    {
        server.DefaultScript = new ModelScript(new ModelStep.Status(429, RetryAfter: TimeSpan.FromMinutes(1)));

        var (_, fault) = await server.Connect(provider, Twice).Default.ReadAsync();

        Assert.Equal((TurnErrorCodes.ModelRateLimited, 1), (fault?.Code, server.Requests.Count));
    }

    /// <summary>Notes each pause, and makes it none; the model's time for silence, which is longer, stays as it is.</summary>
    private sealed class PauseClock : TimeProvider
    {
        public ConcurrentQueue<TimeSpan> Pauses { get; } = new();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var isPause = dueTime > TimeSpan.Zero && dueTime < new ModelOptions().IdleTimeout;
            if (isPause)
            {
                Pauses.Enqueue(dueTime);
            }

            return base.CreateTimer(callback, state, isPause ? TimeSpan.Zero : dueTime, period);
        }
    }
}
