using System.Text;
using Kgents.Streaming.Models;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.AI;

namespace Kgents.Tests.Streaming.Models;

/// <summary>What must be so whoever the provider is.</summary>
public sealed class ProviderTests : IAsyncLifetime
{
    private ScriptedModelServer server = null!;

    public static TheoryData<string> Providers => [.. ModelCalls.Providers];

    public async ValueTask InitializeAsync() => server = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Answer_IsTheTokensToTheByte(string provider)
    {
        string[] tokens = ["  Two", " blanks", "\n\n", "a\ttab \"quotes\" \\ ", "ünï", "你好", " 👩‍👩‍👧", "\u2028", " "];
        server.Enqueue(ModelScript.Reply(tokens));

        var (text, fault) = await server.Connect(provider).Default.ReadAsync();

        Assert.Null(fault);
        Assert.Equal(string.Concat(tokens), text);
        var request = Assert.Single(server.Requests);

        // Anthropic's newer models refuse a temperature, and its package sends none.
        Assert.Equal(("scripted-1", true, provider == "anthropic" ? null : 0.5), (request.Model, request.IsStream, request.Temperature));
        Assert.Equal([new ModelMessage("system", "You are K-gent."), new ModelMessage("user", "well?")], request.Messages);
        Assert.Contains("test-key", request.Authorization, StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task FirstToken_LeavesBeforeTheModelHasASecond(string provider)
    {
        var script = new ModelScript(new ModelStep.Token("first"), new ModelStep.WaitForRelease(), new ModelStep.Token(" second"));
        server.Enqueue(script);
        var text = "";

        await foreach (var update in server.Connect(provider).Default.AskAsync(TestContext.Current.CancellationToken))
        {
            if (text.Length == 0 && update.Text.Length > 0)
            {
                Assert.Equal("first", update.Text);
                script.Release();
            }

            text += update.Text;
        }

        Assert.Equal("first second", text);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Character_IsWhole_WhenItsBytesComeOneByOne(string provider)
    {
        // What the server would write in one piece goes out in single bytes, each flushed.
        var token = TokenBytes(provider, "a€😀b");
        server.Enqueue(new ModelScript([new ModelStep.Token("so: "), .. token.Select(each => new ModelStep.Bytes([each]))]));

        var (text, fault) = await server.Connect(provider).Default.ReadAsync();

        Assert.Equal(("so: a€😀b", null), (text, fault?.Code));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Connection_IsClosed_WhenTheCallIsCancelledWhileTheModelIsSilent(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        await using var updates = server.Connect(provider).Default.AskAsync(cancelled.Token).GetAsyncEnumerator(cancelled.Token);
        do
        {
            Assert.True(await updates.MoveNextAsync());
        }
        while (updates.Current.Text.Length == 0);

        // The wait for the next token has begun when the call is cancelled: some clients look at their token only in between.
        var next = updates.MoveNextAsync().AsTask();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        await server.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Connection_IsClosed_WhenWhoListensLeaves(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));

        await foreach (var update in server.Connect(provider).Default.AskAsync(TestContext.Current.CancellationToken))
        {
            if (update.Text.Length > 0)
            {
                break;
            }
        }

        await server.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", null, null)]
    [InlineData("anthropic", null, 8192)]
    [InlineData("ollama", null, null)]
    [InlineData("openai", 500, 500)]
    [InlineData("anthropic", 500, 500)]
    [InlineData("ollama", 500, 500)]
    public async Task LimitAndTemperature_AreSentAsSet(string provider, int? limit, int? sent)
    {
        var (_, fault) = await server.Connect(provider, new ModelOptions { MaxRetries = 0, MaxOutputTokens = limit, SendTemperature = false }).Default.ReadAsync();

        Assert.Null(fault);
        var request = Assert.Single(server.Requests);
        Assert.Equal((sent, null), (request.MaxTokens, request.Temperature));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("openai", 100, 500, 100)]
    [InlineData("anthropic", 100, 500, 100)]
    [InlineData("ollama", 100, 500, 100)]
    [InlineData("openai", 8000, 500, 500)]
    [InlineData("anthropic", 8000, 500, 500)]
    [InlineData("ollama", 8000, 500, 500)]
    [InlineData("openai", 8000, null, 8000)]
    [InlineData("anthropic", 8000, null, 8000)]
    [InlineData("ollama", 8000, null, 8000)]
    public async Task SmallerLimit_IsSent_OfTheMessagesAndTheServices(string provider, int asked, int? limit, int sent)
    {
        var model = server.Connect(provider, new ModelOptions { MaxRetries = 0, MaxOutputTokens = limit }).Default;

        await model.Client.GetStreamingResponseAsync("well?", new ChatOptions { MaxOutputTokens = asked }, TestContext.Current.CancellationToken).CountAsync(TestContext.Current.CancellationToken);

        Assert.Equal(sent, Assert.Single(server.Requests).MaxTokens);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Model_IsTheOneThatIsAskedFor_OfThoseThatAreAllowed(string provider)
    {
        var models = server.Connect(provider, new ModelOptions { MaxRetries = 0, Allowed = "small-1, large-1" });

        await models.Find("large-1")!.ReadAsync();
        await models.Find(null)!.ReadAsync();

        Assert.Equal(["large-1", "scripted-1"], server.Requests.Select(request => request.Model));
        Assert.Null(models.Find("Large-1"));
    }

    internal static byte[] TokenBytes(string provider, string text) => Encoding.UTF8.GetBytes(provider switch
    {
        "openai" => $"data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n",
        "anthropic" => $"event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n",
        _ => $"{{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":false}}\n",
    });
}
