using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Standalone;

public sealed class StandaloneTests
{
    private const string Persona = "kgent-persona";

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Conversation_IsThePersonasAndIsKept_WhenTheOneProcessIsRestarted()
    {
        using var directory = TemporaryDirectory.Create();
        string key;
        string session;
        string answer;
        await using (var first = await StandaloneProcess.StartAsync(directory.Path))
        {
            key = await StandaloneProcess.KeyPrintedByAsync(first.Service);
            using var client = await first.ConnectAsync(key);
            session = await client.CreateSessionAsync();

            var frames = await client.SayAsync(session, "Hello!");

            Assert.Equal(["accepted", "chunk", "usage", "complete"], frames.Outline());
            answer = frames.Terminal().Json.Text("text");
            Assert.Equal(answer, frames.ShownText());
            Assert.True(frames.Named("chunk").Count > 1, "The whole answer came as one piece.");
            Assert.Equal(Persona, Assert.Single(frames.Named("accepted")).Text("model"));
            Assert.Equal(Persona, frames.Terminal().Json.Text("model"));
            Assert.Equal((0, 0), frames.Terminal().Json.Tokens());
            Assert.Equal(key, Assert.Single(first.PrintedKeys));
        }

        await using (var second = await StandaloneProcess.StartAsync(directory.Path))
        {
            using var client = await second.ConnectAsync(key);

            Assert.Equal(["Hello!", answer], (await client.MessagesAsync(session)).Select(message => message.Text("content")));
            var reply = await client.AskAsync(session, "Do you remember?");
            Assert.Equal((Persona, "assistant"), (reply.Text("model"), reply.Text("role")));
            Assert.Equal((0, 0), reply.Tokens());
            Assert.Equal(4, (await client.MessagesAsync(session)).Count);
            Assert.Empty(second.PrintedKeys);
        }
    }

    /// <summary>An address that cannot be one is not taken for none: no server of its own, but the line that names the setting, and an answer to whoever asks.</summary>
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Process_StaysAndSaysWhichSettingItIs_WhenNatsHasNoAddress()
    {
        var token = TestContext.Current.CancellationToken;
        await using var standalone = await ServiceProcess.StartAsync("Kgents.Standalone", new Dictionary<string, string?> { ["ConnectionStrings__nats"] = "http://user:SECRET@127.0.0.1:4222" }, token);
        using var client = new HttpClient { BaseAddress = standalone.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", "kg_abcde_0123456789012345678901234567890123456789012");

        await standalone.WaitForLineAsync(line => line.Contains("Not ready: ConnectionStrings:nats (environment: ConnectionStrings__nats): it is not an address of NATS.", StringComparison.Ordinal), token);
        foreach (var (path, expected) in new[] { ("/health/live", 200), ("/health/ready", 503), ("/v1/usage", 503) })
        {
            using var answer = await client.GetAsync(path, token);
            Assert.Equal((path, expected), (path, (int)answer.StatusCode));
        }

        Assert.DoesNotContain(standalone.Output, line => line.Contains("SECRET", StringComparison.Ordinal));
        Assert.Equal(0, await standalone.TerminateAsync(token));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task NatsServer_Ends_WhenTheProcessIsToldToStop()
    {
        using var directory = TemporaryDirectory.Create();
        await using var standalone = await StandaloneProcess.StartAsync(directory.Path);
        var nats = await standalone.ReadNatsAddressAsync();
        Assert.True(await StandaloneProcess.IsListeningAsync(nats));

        var exitCode = await standalone.Service.TerminateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, exitCode);
        Assert.False(await StandaloneProcess.IsListeningAsync(nats));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task NextStart_EndsTheOrphanAndGoesOn_WhenTheProcessWasKilled()
    {
        using var directory = TemporaryDirectory.Create();
        await using var killed = await StandaloneProcess.StartAsync(directory.Path);
        var key = await StandaloneProcess.KeyPrintedByAsync(killed.Service);
        using var before = await killed.ConnectAsync(key);
        var session = await before.CreateSessionAsync();
        await before.SayAsync(session, "Before the kill.");
        var orphan = await killed.ReadNatsAddressAsync();
        await killed.Service.KillAsync(TestContext.Current.CancellationToken);
        Assert.True(await StandaloneProcess.IsListeningAsync(orphan), "There is no orphan: this test tests nothing.");

        await using var next = await StandaloneProcess.StartAsync(directory.Path);

        Assert.False(await StandaloneProcess.IsListeningAsync(orphan));
        using var after = await next.ConnectAsync(key);
        await after.SayAsync(session, "After it.");
        Assert.Equal(4, (await after.MessagesAsync(session)).Count);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task SecondProcess_SaysWhatToDo_WhenItsDirectoryIsTaken()
    {
        using var directory = TemporaryDirectory.Create();
        await using var first = await StandaloneProcess.StartAsync(directory.Path);
        var key = await StandaloneProcess.KeyPrintedByAsync(first.Service);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StandaloneProcess.StartAsync(directory.Path));

        Assert.Contains($"Another Kgents runs in {directory.Path}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Nats__Directory", refused.Message, StringComparison.Ordinal);
        using var client = await first.ConnectAsync(key);
        Assert.Equal("complete", (await client.SayAsync(await client.CreateSessionAsync(), "Still here?")).Terminal().Event);
    }
}
