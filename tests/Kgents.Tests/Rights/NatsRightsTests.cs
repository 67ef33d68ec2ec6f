using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Rights;

/// <summary>The rights in <c>deploy/nats/users.conf</c> are enough for all that Kgents does, and each of them is needed for something.</summary>
public sealed class NatsRightsTests
{
    /// <summary>Allowed for servers to come, which name acks otherwise; for an event of a webhook whose ack was lost; and for a watch that has much to catch up with.</summary>
    private static readonly string[] Prepared =
    [
        "$JS.ACK.*.*.KGENTS_MESSAGES.turn-workers.>", "$JS.ACK.*.*.KGENTS_WEBHOOKS.webhook-events.>", "$JS.ACK.*.*.KV_kgents_quota.webhook-quotas.>",
        "$JS.ACK.*.*.KGENTS_DEAD_LETTERS.webhook-dead-letters.>", "$JS.API.STREAM.MSG.GET.KGENTS_WEBHOOKS", "$JS.FC.KV_kgents_webhook_deliveries.>",
    ];

    /// <summary>Whoever writes reads back what became of it when its ack was lost or another was first, which here happens or not.</summary>
    private const string ReadingBack = "$JS.API.STREAM.MSG.GET.";

    [Fact(Timeout = 2 * Limits.Test)]
    public async Task Services_DoAllTheirWork_AndUseEveryRight()
    {
        await using var system = await RightsSystem.StartAsync(TestContext.Current.CancellationToken);

        var conversations = new ConversationWork(system);
        await conversations.ConverseAsync();
        await conversations.InvokeAsync();
        await conversations.CancelAsync();
        await conversations.AdministerAsync();
        await conversations.DeleteAsync();
        var recovery = new RecoveryWork(system);
        await recovery.FailAsync();
        await recovery.TakeOverAsync();
        await recovery.SweepAsync();
        await new MeteringWork(system).MeterAsync();
        await new WebhookWork(system).TellAsync();
        await recovery.CatchUpAsync();

        Assert.Empty(await system.Nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
        IReadOnlyCollection<Act> acts =
        [
            .. await Act.ReadAllAsync(system.Nats),
            .. await BecomeReadyAloneAsync(NatsUsers.Api, Parts.Api),
            .. await BecomeReadyAloneAsync(NatsUsers.Streaming, Parts.Streaming),
            .. await BecomeReadyAloneAsync(NatsUsers.Metering, Parts.Metering),
            .. await BecomeReadyAloneAsync(NatsUsers.Metering, Parts.MeteringStreams),
        ];
        var unused = Right.All.Where(right => !Prepared.Contains(right.Subject) && !right.Subject.StartsWith(ReadingBack, StringComparison.Ordinal) && !acts.Any(act => (act.User, act.Name) == (right.User, right.Act) && right.Covers(act.Subject))).ToList();
        Assert.True(unused.Count == 0, "Nobody used:\n" + string.Join('\n', unused));
    }

    /// <summary>Over an empty server, where it is the first and finds nothing.</summary>
    private static async Task<IReadOnlyCollection<Act>> BecomeReadyAloneAsync(string user, Parts parts)
    {
        var users = new NatsUsers();
        await using var nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users, Trace = true }, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(users.UrlOf(user, nats.Port), parts);
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode);

        Assert.Empty(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
        return await Act.ReadAllAsync(nats);
    }
}
