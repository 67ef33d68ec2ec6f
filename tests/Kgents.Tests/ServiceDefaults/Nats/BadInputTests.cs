using System.Net;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>What is wrong, not there, or has no room, is said in one line that names the setting. The process stays, not ready, and waits for what can mend itself.</summary>
public sealed class BadInputTests
{
    private static readonly StreamDefinition Log = new("LOG", "log.>", "What a test writes") { DiscardNew = true };

    [Theory(Timeout = Limits.Test)]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("http://127.0.0.1:4222")]
    [InlineData("nats://user:SECRET@127.0.0.1:port")]
    [InlineData("nats://127.0.0.1:4222,amqp://SECRET@127.0.0.1:4222")]
    [InlineData("Endpoint=nats://127.0.0.1:4222;Key=SECRET")]
    public async Task Service_IsUpAndNotReady_AndSaysOnceWhichSettingItIs_WhenItIsNoAddress(string? value)
    {
        const string Problem = "ConnectionStrings:nats (environment: ConnectionStrings__nats): it is not an address of NATS.";
        await using var host = await BareHost.StartAsync(value, [Streams.Usage]);

        await Eventually.TrueAsync(async () => (await host.HealthAsync("ready")).Text.Contains($"nats: {Problem}", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), ((await host.HealthAsync("ready")).Status, (await host.HealthAsync("live")).Status));
        await Eventually.TrueAsync(() => host.Logs.Any(line => line.Contains("Not ready", StringComparison.Ordinal)));
        var refusal = await Assert.ThrowsAsync<TopologyException>(() => host.Topology.WhenCreatedAsync(NatsCommand.Patience, TestContext.Current.CancellationToken));
        Assert.StartsWith(Problem, refusal.Message, StringComparison.Ordinal);

        Assert.Contains($"Not ready: {Problem}", Assert.Single(host.Logs, line => line.StartsWith("Error", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Logs, each => each.Contains("SECRET", StringComparison.Ordinal) || each.Contains("nowhere", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Service_SaysOnceWhereNothingAnswers_AndIsReadyWhenSomethingDoes()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await nats.KillAsync(TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(nats.Url.Replace("nats://", "nats://user:SECRET@", StringComparison.Ordinal), [Streams.Usage]);

        await Eventually.TrueAsync(() => host.Logs.Any(line => line.Contains("Not ready", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.HealthAsync("ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);
        var line = Assert.Single(host.Logs, line => line.StartsWith("Error", StringComparison.Ordinal));
        Assert.Contains($"NATS does not answer at 127.0.0.1:{nats.Port} (ConnectionStrings:nats)", line, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Logs, each => each.Contains("SECRET", StringComparison.Ordinal));

        await nats.RestartAsync(TestContext.Current.CancellationToken);
        await host.BecomesAsync(HttpStatusCode.OK);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Service_SaysWhichSettingIsTooSmall_WhenAStreamHasNoRoom()
    {
        await using var nats = await StartAsync("1MB");
        await using var host = await BareHost.StartAsync(nats.Url, [Streams.Tokens]);

        await Eventually.TrueAsync(async () => (await host.HealthAsync("ready")).Text.Contains("max_file_store", StringComparison.Ordinal));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), ((await host.HealthAsync("ready")).Status, (await host.HealthAsync("live")).Status));
        Assert.Contains("raise max_file_store in its configuration", Assert.Single(host.Logs, line => line.StartsWith("Error", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Service_IsUnreadyAndSaysItOnce_WhenTheDiskIsFull_AndGoesOnWhenThereIsRoom()
    {
        await using var nats = await StartAsync("2MB");
        await using var host = await BareHost.StartAsync(nats.Url, [Log]);
        await host.BecomesAsync(HttpStatusCode.OK);
        var last = await FillAsync(host);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var waiting = host.Publisher.AppendAsync("LOG", "log.a", new byte[64 * 1024], [], last, _ => false, patience.Token);
        await host.BecomesAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("nats: nats-server has no room for LOG", (await host.HealthAsync("ready")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);

        await host.JetStream.PurgeStreamAsync("LOG", new StreamPurgeRequest { Filter = "log.full" }, TestContext.Current.CancellationToken);
        Assert.True((await waiting).IsStored);
        await host.BecomesAsync(HttpStatusCode.OK);
        Assert.Single(host.Logs, line => line.Contains("max_file_store", StringComparison.Ordinal));
        Assert.Single(host.Logs, line => line.Contains("LOG has room again", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Service_SaysSo_WhenTheServerHasNoJetStream()
    {
        await using var nats = await NatsServer.StartAsync(new NatsServerSettings { JetStream = false }, TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(nats.Url, [Streams.Usage]);

        await Eventually.TrueAsync(() => host.Logs.Any(line => line.StartsWith("Error", StringComparison.Ordinal)));

        Assert.Contains("nats-server has no JetStream: turn it on in its configuration (jetstream)", Assert.Single(host.Logs, line => line.StartsWith("Error", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), ((await host.HealthAsync("ready")).Status, (await host.HealthAsync("live")).Status));
    }

    private static Task<NatsServer> StartAsync(string room) =>
        NatsServer.StartAsync(new NatsServerSettings { Room = room }, TestContext.Current.CancellationToken);

    /// <summary>The sequence of the last message of <c>log.a</c>.</summary>
    private static async Task<ulong> FillAsync(BareHost host)
    {
        var first = await host.Publisher.AppendAsync("LOG", "log.a", new byte[16], [], 0, _ => false, TestContext.Current.CancellationToken);
        while ((await host.JetStream.PublishAsync("log.full", new byte[64 * 1024], cancellationToken: TestContext.Current.CancellationToken)).Error is null)
        {
            // There is still room.
        }

        return first.Sequence;
    }
}
