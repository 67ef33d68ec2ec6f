using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class RestartTests
{
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Conversation_GoesOn_WhenEverythingWasRestarted()
    {
        await using var system = await KgentsSystem.StartAsync();
        system.Model.Enqueue(ModelScript.Reply(" The answer", " before."));
        var session = await system.Client.CreateSessionAsync("advise");
        await system.Client.SayAsync(session, "Asked before the restart.");
        await system.Client.CreateSessionAsync();
        var before = await ReadAllAsync(system, session);

        Assert.All(await system.TerminateServicesAsync(), exitCode => Assert.Equal(0, exitCode));
        await system.Nats.KillAsync(TestContext.Current.CancellationToken);
        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
        await system.StartServicesAsync();

        Assert.Equal(before, await ReadAllAsync(system, session));
        Assert.Equal("complete", (await system.Client.SayAsync(session, "Asked after it.")).Terminal().Event);
        Assert.Equal(
            ["Asked before the restart.", " The answer before.", "Asked after it."],
            system.Model.Requests[^1].Messages.Skip(1).Select(message => message.Content));
        Assert.Equal(4, (await system.Client.MessagesAsync(session)).Count);
    }

    /// <summary>Everything that the API tells of the sessions, as it tells it.</summary>
    private static async Task<IReadOnlyList<string>> ReadAllAsync(KgentsSystem system, string session)
    {
        JsonElement[] all = [.. await system.Client.SessionsAsync(), await system.Client.SessionAsync(session), .. await system.Client.MessagesAsync(session)];
        Assert.Equal(2 + 1 + 2, all.Length);
        return [.. all.Select(json => json.GetRawText())];
    }
}
