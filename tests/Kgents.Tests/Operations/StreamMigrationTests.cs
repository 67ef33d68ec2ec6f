using System.Text;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Operations;

/// <summary>Another setting of the streams that are there: applied when it loses nothing, and else refused as a whole.</summary>
public sealed class StreamMigrationTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private NatsConnection connection = null!;
    private NatsJSContext jetStream = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        connection = new NatsConnection(new NatsOpts { Url = nats.Url });
        jetStream = new NatsJSContext(connection);
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming | Parts.Metering);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Streams_AreAsTheServicesMadeThem_WhenNoSettingHasChanged()
    {
        var (exitCode, text) = await RunAsync("show");

        Assert.Equal((0, "All that is there is as the settings say."), (exitCode, text.Trim()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LongerRetention_IsToldByShow_AndDoneByApply_AndThenServicesAreReady()
    {
        (string, string?)[] settings = [("Nats:TokensMaxAge", "2.00:00:00"), ("Nats:TokensMaxBytes", $"{2L << 30}")];
        await PublishAsync("kgents.tokens.0.acme.s.t", "one");

        var shown = await RunAsync("show", settings);
        Assert.Equal(1, shown.ExitCode);
        Assert.Contains("KGENTS_TOKENS: max_age: expected 2.00:00:00, found 1.00:00:00: can be changed", shown.Text, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromHours(24), (await InfoAsync(Streams.Tokens.Name)).Config.MaxAge);

        var applied = await RunAsync("apply", settings);
        Assert.Equal((0, true), (applied.ExitCode, applied.Text.Contains("KGENTS_TOKENS: changed", StringComparison.Ordinal)));
        var info = await InfoAsync(Streams.Tokens.Name);
        Assert.Equal((TimeSpan.FromDays(2), 2L << 30, 1L), (info.Config.MaxAge, info.Config.MaxBytes, info.State.Messages));
        Assert.Equal(("kgents.tokens.>", "kgents.live.>"), (info.Config.Republish?.Src, info.Config.Republish?.Dest));

        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Streaming, settings);
    }

    /// <summary>One refusal keeps also what could be done from being done.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Nothing_IsChanged_WhenOneChangeWouldRemoveMessages()
    {
        await PublishAsync("kgents.messages.0.acme.s.user", new string('x', 5000));

        var (exitCode, text) = await RunAsync("apply", ("Nats:MessagesMaxBytes", "1000"), ("Nats:TokensMaxAge", "2.00:00:00"));

        Assert.Equal(1, exitCode);
        Assert.Contains("KGENTS_MESSAGES: max_bytes: expected 1000, found -1: refused: it holds", text, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed.", text, StringComparison.Ordinal);
        Assert.Equal(-1, (await InfoAsync(Streams.Messages.Name)).Config.MaxBytes);
        Assert.Equal(TimeSpan.FromHours(24), (await InfoAsync(Streams.Tokens.Name)).Config.MaxAge);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Limit_IsSet_WhenWhatIsThereFits()
    {
        await PublishAsync("kgents.messages.0.acme.s.user", "small");

        Assert.Equal(0, (await RunAsync("apply", ("Nats:MessagesMaxBytes", "100000"))).ExitCode);

        var info = await InfoAsync(Streams.Messages.Name);
        Assert.Equal((100_000L, 1L, StreamConfigDiscard.New), (info.Config.MaxBytes, info.State.Messages, info.Config.Discard));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task ShorterRetention_IsRefused_WhenMessagesAreOlder_AndDoneWhenNoneIs()
    {
        await jetStream.UpdateStreamAsync((await InfoAsync(Streams.DeadLetters.Name)).Config with { MaxAge = TimeSpan.FromDays(500) }, TestContext.Current.CancellationToken);
        Assert.Equal(0, (await RunAsync("apply")).ExitCode);
        Assert.Equal(Streams.DeadLetters.MaxAge, (await InfoAsync(Streams.DeadLetters.Name)).Config.MaxAge);

        // Nobody waits for a message to become old here: the rule is asked as if it were later.
        var old = Kgents.Operations.Streams.StreamRules.Refusal(
            new("max_age", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)),
            new StreamConfig { MaxAge = TimeSpan.FromSeconds(1) },
            await WithAMessageAsync(Streams.DeadLetters.Name, "kgents.dead.usage.acme"),
            TimeProvider.System.GetUtcNow().AddSeconds(5));
        Assert.Contains("would be removed", old, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task FewerSubjects_AreRefused_WhileThereAreMessages()
    {
        await jetStream.UpdateStreamAsync((await InfoAsync(Streams.Messages.Name)).Config with { Subjects = [Streams.Messages.Subject, "older.>"] }, TestContext.Current.CancellationToken);
        await PublishAsync("older.one", "one");

        var (exitCode, text) = await RunAsync("apply");

        Assert.Equal(1, exitCode);
        Assert.Contains("would not take older.> any more", text, StringComparison.Ordinal);
        Assert.Equal(1, (await InfoAsync(Streams.Messages.Name)).State.Messages);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task FewerPartitions_AreRefused_WhileOneHasUsage()
    {
        await PublishAsync("kgents.usage.2.acme", "{}");

        var fewer = await RunAsync("apply", ("Nats:Partitions", "2"));
        Assert.Equal(1, fewer.ExitCode);
        Assert.Contains("partition 2 has messages", fewer.Text, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("apply", ("Nats:Partitions", "3"))).ExitCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Bucket_IsRefused_WhenItHoldsAHistoryThatWouldGo()
    {
        var bucket = Subjects.KeyValueStream(Buckets.Tenants);
        await jetStream.UpdateStreamAsync((await InfoAsync(bucket)).Config with { MaxMsgsPerSubject = 5 }, TestContext.Current.CancellationToken);
        await PublishAsync("$KV.kgents_tenants.acme", "1");
        await PublishAsync("$KV.kgents_tenants.acme", "2");

        var (exitCode, text) = await RunAsync("apply");

        Assert.Equal(1, exitCode);
        Assert.Contains("all but the last of each would be removed", text, StringComparison.Ordinal);
        Assert.Equal(5, (await InfoAsync(bucket)).Config.MaxMsgsPerSubject);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Setting_IsRefusedByName_AndNothingIsChanged()
    {
        var (exitCode, text) = await RunAsync("apply", ("Nats:Replicas", "9"));

        Assert.Equal(1, exitCode);
        Assert.StartsWith("Nats:Replicas (environment: Nats__Replicas) is '9': it must be between 1 and 5", text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Missing_IsSaid_AndLeftToTheServices()
    {
        await jetStream.DeleteStreamAsync(Streams.WebhookEvents.Name, TestContext.Current.CancellationToken);

        var (exitCode, text) = await RunAsync("apply");

        Assert.Equal((0, true), (exitCode, text.Contains("Not there, and created by a service when it starts: KGENTS_WEBHOOKS\n", StringComparison.Ordinal)));
        Assert.DoesNotContain(await jetStream.ListStreamNamesAsync(cancellationToken: TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken), name => name == Streams.WebhookEvents.Name);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Command_IsExplained_WhenItIsNotUnderstood()
    {
        var (exitCode, text) = await Operator.RunAsync(nats.Url, ["streams", "drop"]);

        Assert.Equal((2, true), (exitCode, text.StartsWith("usage:", StringComparison.Ordinal)));
    }

    private Task<(int ExitCode, string Text)> RunAsync(string verb, params (string Key, string? Value)[] settings) => Operator.RunAsync(nats.Url, ["streams", verb], settings);

    private async Task PublishAsync(string subject, string text) => (await jetStream.PublishAsync(
        subject, Encoding.UTF8.GetBytes(text), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();

    private async Task<StreamInfo> WithAMessageAsync(string stream, string subject)
    {
        await PublishAsync(subject, "{}");
        return await InfoAsync(stream);
    }

    private async Task<StreamInfo> InfoAsync(string stream) => (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info;
}
