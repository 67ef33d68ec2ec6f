using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Rights;

/// <summary>What the user of a service may not do, asked of a server with the shipped users; and what no right can keep it from.</summary>
public sealed class RefusedActTests : IAsyncLifetime
{
    private const string All = $"{NatsUsers.Api} {NatsUsers.Streaming} {NatsUsers.Metering}";
    private const int NameInUse = 10058;

    private static readonly StreamDefinition[] AllStreams =
        [Streams.Messages, Streams.Tokens, Streams.Usage, Streams.Ledger, Streams.Audit, Streams.DeadLetters, Streams.DayCounts, Streams.WebhookEvents];

    private static readonly BucketDefinition[] AllBuckets =
    [
        Buckets.SessionRecords, Buckets.SessionDetailRecords, Buckets.DeletionOrders, Buckets.CancelMarks, Buckets.QuotaRecords, Buckets.TenantRecords, Buckets.ApiKeyRecords,
        Buckets.IdempotencyRecords, Buckets.LeaseRecords, Buckets.OpenStreamsRecords, Buckets.RequestRateRecords, Buckets.ReconciliationRecords, Buckets.WebhookRecords, Buckets.WebhookDeliveryRecords, Buckets.AgenteseRecords,
    ];

    private readonly NatsUsers users = new();
    private NatsServer nats = null!;

    /// <summary>The users who may not, and the subject.</summary>
    public static TheoryData<string, string> Forbidden => new()
    {
        { "streaming metering", "kgents.messages.0.t.s.user" },
        { "api metering", "kgents.messages.0.t.s.assistant" },
        { "api metering", "kgents.tokens.0.t.s.u" },
        { All, "kgents.live.0.t.s.u" },
        { "api metering", "kgents.usage.0.t.turns" },
        { "streaming metering", "kgents.usage.0.t.requests" },
        { "api streaming", "kgents.usage.0.t.corrections.1" },
        { "api streaming", "kgents.ledger.0" },
        { "api metering", "kgents.audit.0.t.s.u" },
        { "api metering", "kgents.dead.messages.t" },
        { "api streaming", "kgents.dead.usage.t" },
        { "streaming metering", "kgents.counts.day.t.all.0" },
        { "metering", "kgents.control.t.s.u" },
        { "streaming metering", "kgents.operations.usage" },
        { "streaming metering", "$KV.kgents_api_keys.abc" },
        { "streaming metering", "$KV.kgents_api_keys._tickets" },
        { "streaming metering", "$KV.kgents_tenants.t" },
        { "streaming metering", "$KV.kgents_idempotency.abc" },
        { "metering", "$KV.kgents_sessions.t.s" },
        { "metering", "$KV.kgents_quota.t" },
        { "api streaming", "$KV.kgents_leases.metering.0" },
        { "streaming metering", "$KV.kgents_streams.t" },
        { "streaming metering", "$KV.kgents_rates.t.all" },
        { "streaming metering", "$KV.kgents_agentese.t.void.entropy" },
        { "streaming", "$KV.kgents_webhooks.t.w" },
        { "streaming", "$KV.kgents_webhook_deliveries.t.w.e" },
        { "streaming", "kgents.webhooks.t.e" },
        { "api streaming", "$KV.kgents_reconciliations.t.0" },
        { "streaming", "$JS.API.DIRECT.GET.KV_kgents_webhooks" },
        { All, "$JS.API.INFO" },
        { All, "$JS.API.STREAM.LIST" },
        { All, "$JS.API.STREAM.NAMES" },
        { All, "$JS.API.STREAM.CREATE.OTHER" },
        { All, "$JS.API.STREAM.UPDATE.KGENTS_USAGE" },
        { All, "$JS.API.STREAM.UPDATE.KGENTS_MESSAGES" },
        { All, "$JS.API.STREAM.DELETE.KGENTS_MESSAGES" },
        { All, "$JS.API.STREAM.DELETE.KGENTS_LEDGER" },
        { All, "$JS.API.STREAM.DELETE.KV_kgents_api_keys" },
        { All, "$JS.API.STREAM.MSG.DELETE.KGENTS_MESSAGES" },
        { All, "$JS.API.STREAM.MSG.DELETE.KGENTS_USAGE" },
        { All, "$JS.API.STREAM.SNAPSHOT.KGENTS_MESSAGES" },
        { All, "$JS.API.STREAM.RESTORE.KGENTS_MESSAGES" },
        { All, "$JS.API.STREAM.PURGE.KGENTS_USAGE" },
        { All, "$JS.API.STREAM.PURGE.KGENTS_LEDGER" },
        { All, "$JS.API.STREAM.PURGE.KGENTS_AUDIT" },
        { All, "$JS.API.STREAM.PURGE.KGENTS_DEAD_LETTERS" },
        { All, "$JS.API.STREAM.PURGE.KV_kgents_api_keys" },
        { All, "$JS.API.STREAM.PURGE.KV_kgents_sessions" },
        { "api metering", "$JS.API.STREAM.PURGE.KGENTS_MESSAGES" },
        { "streaming metering", "$JS.API.STREAM.MSG.GET.KV_kgents_api_keys" },
        { "streaming metering", "$JS.API.DIRECT.GET.KV_kgents_api_keys" },
        { All, "$JS.API.DIRECT.GET.KV_kgents_api_keys.$KV.kgents_api_keys._tickets" },
        { "streaming metering", "$JS.API.CONSUMER.CREATE.KV_kgents_api_keys.x" },
        { "metering", "$JS.API.STREAM.MSG.GET.KGENTS_MESSAGES" },
        { "metering", "$JS.API.DIRECT.GET.KGENTS_MESSAGES" },
        { All, "$JS.API.CONSUMER.CREATE.KGENTS_MESSAGES.other" },
        { All, "$JS.API.CONSUMER.CREATE.KGENTS_MESSAGES.turn-workers.kgents.messages.*.*.*.*" },
        { All, "$JS.API.CONSUMER.CREATE.KGENTS_USAGE.other" },
        { All, "$JS.API.CONSUMER.DURABLE.CREATE.KGENTS_TOKENS.other" },
        { All, "$JS.API.CONSUMER.DELETE.KGENTS_MESSAGES.turn-workers" },
        { All, "$JS.API.CONSUMER.PAUSE.KGENTS_MESSAGES.turn-workers" },
        { "api metering", "$JS.API.CONSUMER.MSG.NEXT.KGENTS_MESSAGES.turn-workers" },
        { "api metering", "$JS.ACK.KGENTS_MESSAGES.turn-workers.1.1.1.1.0" },
        { "api metering", "_INBOX_kgents-streaming.x" },
        { All, "_INBOX_kgents-api.x" },
        { All, "$SYS.REQ.SERVER.PING" },
        { All, "other" },
    };

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users }, TestContext.Current.CancellationToken);
        await using var everything = await ServiceDefaults.BareHost.StartAsync(users.UrlOf(NatsUsers.Operator, nats.Port), AllStreams, AllBuckets);
        await everything.Topology.WhenCreatedAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => nats.DisposeAsync();

    [Fact(Timeout = Limits.Test)]
    public async Task Publish_IsRefused_WhereTheUserHasNothingToSay()
    {
        foreach (var (user, subject) in Forbidden.SelectMany(row => row.Data.Item1.Split(' ').Select(user => (user, row.Data.Item2))))
        {
            await using var connection = Connect(user);
            await connection.PublishAsync(subject, "{}"u8.ToArray(), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
            await connection.PingAsync(TestContext.Current.CancellationToken);
            Assert.Contains(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken), line => line.EndsWith($"user:{user}\" - Publish Violation - Subject \"{subject}\"", StringComparison.Ordinal));
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(All, ">")]
    [InlineData(All, "kgents.>")]
    [InlineData(All, "kgents.messages.*.*.*.user")]
    [InlineData(All, "kgents.tokens.*.*.*.*")]
    [InlineData(All, "$KV.kgents_api_keys.>")]
    [InlineData(All, "$JS.API.>")]
    [InlineData("streaming metering", "kgents.live.*.*.*.*")]
    [InlineData("streaming metering", "_INBOX_kgents-api.>")]
    [InlineData("api metering", "_INBOX_kgents-streaming.>")]
    [InlineData("api metering", "kgents.control.*.*.*")]
    [InlineData("api streaming", "kgents.operations.usage")]
    public async Task Subscription_IsRefused_ToWhatIsAnothers(string whom, string subject)
    {
        foreach (var user in whom.Split(' '))
        {
            await using var connection = Connect(user);
            await using var subscription = await connection.SubscribeCoreAsync<byte[]>(subject, cancellationToken: TestContext.Current.CancellationToken);
            await connection.PingAsync(TestContext.Current.CancellationToken);
            Assert.Contains(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken), line => line.Contains($"user:{user}\" - Subscription Violation - Subject \"{subject}\"", StringComparison.Ordinal));
        }
    }

    /// <summary>The right to create a stream that is missing, which each service has, is none to change one that is there.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Stream_StaysAsItIs_WhenItIsCreatedWithOtherSettings()
    {
        const string Create = "$JS.API.STREAM.CREATE.";
        await using var everything = Connect(NatsUsers.Operator);
        foreach (var right in Right.All.Where(right => right.Subject.StartsWith(Create, StringComparison.Ordinal)))
        {
            var name = right.Subject[Create.Length..];
            var before = (await new NatsJSContext(everything).GetStreamAsync(name, cancellationToken: TestContext.Current.CancellationToken)).Info.Config;
            await using var connection = Connect(right.User);
            var other = new StreamConfig(name, [.. before.Subjects!]) { MaxMsgs = 1, MaxAge = TimeSpan.FromSeconds(1), AllowDirect = true };

            var refused = await Assert.ThrowsAsync<NatsJSApiException>(async () => await new NatsJSContext(connection).CreateStreamAsync(other, TestContext.Current.CancellationToken));

            var after = (await new NatsJSContext(everything).GetStreamAsync(name, cancellationToken: TestContext.Current.CancellationToken)).Info.Config;
            Assert.Equal(NameInUse, refused.Error.ErrCode);
            Assert.Equal(JsonSerializer.Serialize(before), JsonSerializer.Serialize(after));
        }

        Assert.Empty(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>
    /// The server answers to wherever a request says, with its own rights: who reads a message of his own and has the answer sent to another subject has written there. This is
    /// what docs/security.md warns of; should it fail one day, the server has learned better, and the page can say so.
    /// </summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(NatsUsers.Api, "KGENTS_MESSAGES", "kgents.messages.0.t.s.user", "KGENTS_USAGE", "kgents.usage.0.t.turns")]
    [InlineData(NatsUsers.Streaming, "KGENTS_TOKENS", "kgents.tokens.0.t.s.u", "KV_kgents_api_keys", "$KV.kgents_api_keys.forged")]
    [InlineData(NatsUsers.Metering, "KGENTS_DEAD_LETTERS", "kgents.dead.usage.t", "KV_kgents_api_keys", "$KV.kgents_api_keys.forged")]
    public async Task Answer_IsStored_WhereTheUserMayNotWrite(string user, string own, string subject, string others, string forged)
    {
        await using var connection = Connect(user);
        (await new NatsJSContext(connection).PublishAsync(subject, "forged"u8.ToArray(), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();

        await connection.PublishAsync(
            $"$JS.API.DIRECT.GET.{own}", JsonSerializer.SerializeToUtf8Bytes(new { last_by_subj = subject }), replyTo: forged, serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);

        await using var everything = Connect(NatsUsers.Operator);
        var reader = new JetStreamReader(new NatsJSContext(everything));
        await Eventually.TrueAsync(async () => (await reader.LastAsync(others, forged, TestContext.Current.CancellationToken))?.Data.Span.SequenceEqual("forged"u8) ?? false);
        Assert.Empty(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
    }

    private NatsConnection Connect(string user) =>
        new(new NatsOpts { Url = users.UrlOf(user, nats.Port), InboxPrefix = user == NatsUsers.Operator ? "_INBOX" : $"_INBOX_kgents-{user}" });
}
