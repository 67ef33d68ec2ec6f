using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>New sessions are spread over the partitions, and in each of them a session is a session.</summary>
public sealed class PartitionTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task Sessions_AreInEveryPartition_AndTalkInEach()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("Yes."), new ModelStep.Usage(4, 1));
        (string, string?)[] settings = [("Nats:Partitions", "3"), ("ConnectionStrings:llm", model.ConnectionString)];
        await using var api = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, settings);
        var sessions = new Dictionary<int, string>();
        while (sessions.Count < 3)
        {
            var session = await api.Client.CreateSessionAsync();
            sessions[SessionId.Parse(session).Partition] = session;
        }

        foreach (var session in sessions.Values)
        {
            Assert.Equal("complete", (await api.Client.SayAsync(session, "Hello?"))[^1].Event);
            Assert.Equal(2, (await api.Client.MessagesAsync(session)).Count);
        }

        Assert.Equal([0, 1, 2], sessions.Keys.Order());
        var usage = await api.Reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, 1, 0, TestContext.Current.CancellationToken).Select(entry => entry.Subject.Split('.')[2]).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["0", "1", "2"], usage.Distinct().Order(StringComparer.Ordinal));
    }
}
