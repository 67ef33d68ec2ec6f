using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;

namespace Kgents.Tests.Streaming;

/// <summary>When the leader of the workers' consumer dies, its successor delivers every held turn again, though their workers live.</summary>
public sealed class LeaderDeathTests : IAsyncLifetime
{
    private const int Turns = 6;

    private NatsCluster cluster = null!;
    private ScriptedModelServer model = null!;

    public async ValueTask InitializeAsync()
    {
        cluster = await NatsCluster.StartAsync(TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await model.DisposeAsync();
        await cluster.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NoTurn_IsRestarted_WhenTheConsumersLeaderDies()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        model.DefaultScript = held;
        await using var api = await KgentsHost.StartAsync(cluster.Url, Parts.Api, ("Nats:Replicas", "3"));
        await using var first = await StartWorkerAsync();
        await using var second = await StartWorkerAsync();
        var responses = new List<HttpResponseMessage>();
        for (var i = 0; i < Turns; i++)
        {
            responses.Add(await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count"));
            await model.NextRequestAsync(TestContext.Current.CancellationToken);
        }

        var leader = (await api.JetStream.GetConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken)).Info.Cluster!.Leader!;
        await using var witness = new NatsConnection(new NatsOpts { Url = cluster[cluster.Names.First(name => name != leader)].Url });
        await using var questions = await witness.SubscribeCoreAsync("kgents.control.>", serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        await witness.PingAsync(TestContext.Current.CancellationToken);

        await cluster[leader].KillAsync(TestContext.Current.CancellationToken);

        // Each held turn is delivered again, and its worker is asked before anybody takes it over.
        var asked = new HashSet<string>();
        while (asked.Count < Turns)
        {
            asked.Add((await questions.Msgs.ReadAsync(TestContext.Current.CancellationToken)).Subject);
        }

        for (var i = 0; i < Turns; i++)
        {
            held.Release();
        }

        foreach (var response in responses)
        {
            using (response)
            {
                var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
                Assert.Equal(["accepted", "chunk", "chunk", "complete"], turn.Frames.Select(frame => frame.Event).Where(name => name != "usage"));
                Assert.Equal("one two", turn.Text);
            }
        }

        Assert.Equal(Turns, model.Requests.Count);
    }

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(
        cluster.Url, Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Nats:Replicas", "3"), ("Turns:AckWait", "00:00:02"), ("Turns:ControlTimeout", "00:00:05"));
}
