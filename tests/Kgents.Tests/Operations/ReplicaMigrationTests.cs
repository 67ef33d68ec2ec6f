using System.Text;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Operations;

/// <summary>From one copy to three, on a cluster that has data.</summary>
public sealed class ReplicaMigrationTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task EveryMessage_IsOnEveryNode_WhenThreeReplicasWereAppliedToOne()
    {
        var token = TestContext.Current.CancellationToken;
        await using var cluster = await NatsCluster.StartAsync(token);
        await using (await KgentsHost.StartAsync(cluster.Url, Parts.Streaming, ("Nats:Replicas", "1")))
        {
        }

        await using var connection = new NatsConnection(new NatsOpts { Url = cluster.Url, RequestTimeout = TimeSpan.FromSeconds(2) });
        var jetStream = new NatsJSContext(connection);
        for (var number = 0; number < 200; number++)
        {
            (await jetStream.PublishAsync("kgents.usage.0.acme", Encoding.UTF8.GetBytes($"{number}"), NatsRawSerializer<byte[]>.Default, cancellationToken: token)).EnsureSuccess();
        }

        var (exitCode, text) = await Operator.RunAsync(cluster.Url, ["streams", "apply"], ("Nats:Replicas", "3"));
        Assert.True(exitCode == 0, text);
        Assert.Contains("KGENTS_USAGE: num_replicas: expected 3, found 1: can be changed", text, StringComparison.Ordinal);
        Assert.Contains("KV_kgents_sessions: changed", text, StringComparison.Ordinal);

        // The node that had the only copy goes.
        var only = (await InfoAsync(jetStream, token)).Cluster!.Leader!;
        await cluster[only].KillAsync(token);
        StreamInfo? left = null;
        await Eventually.TrueAsync(async () => (left = await TryAsync(() => InfoAsync(jetStream, token)))?.Cluster?.Leader is { } leader && leader != only);

        Assert.Equal((200L, 3), (left!.State.Messages, left.Config.NumReplicas));
    }

    private static async Task<StreamInfo> InfoAsync(NatsJSContext jetStream, CancellationToken token) => (await jetStream.GetStreamAsync(Streams.Usage.Name, cancellationToken: token)).Info;

    private static async Task<StreamInfo?> TryAsync(Func<Task<StreamInfo>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception exception) when (exception is NatsException or OperationCanceledException)
        {
            return null;
        }
    }
}
