using System.Net;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.ServiceDefaults;

namespace Kgents.Tests.Rights;

/// <summary>What NATS refuses is said in one line that names what to set, and the service waits for it.</summary>
[TakesSeconds(35)]
public sealed class NatsRefusalTests : IAsyncLifetime
{
    private readonly NatsUsers users = new();

    /// <summary>For a host that is called otherwise.</summary>
    private readonly string shipped = File.ReadAllText(NatsUsers.File).Replace("_INBOX_kgents-api.>", "_INBOX_kgents-tests.>", StringComparison.Ordinal);

    private readonly ForwardTime time = new();

    private NatsServer nats = null!;

    public async ValueTask InitializeAsync() => nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users }, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => nats.DisposeAsync();

    [Theory(Timeout = Limits.Test)]
    [InlineData("$JS.API.STREAM.INFO.KGENTS_USAGE")]
    [InlineData("$JS.API.STREAM.CREATE.KGENTS_USAGE")]
    public async Task Service_WaitsAndSaysWhichRightIsMissing_UntilItIsGiven(string subject)
    {
        Assert.Contains($"\"{subject}\"", shipped, StringComparison.Ordinal);
        await nats.ReloadAsync(shipped.Replace($"\"{subject}\"", "\"nothing\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(users.UrlOf(NatsUsers.Api, nats.Port), time, [Streams.Usage]);

        await RefusedSeveralTimesAsync();
        var line = Assert.Single(host.Logs, IsTrouble);
        Assert.Contains($"the user 'api' of ConnectionStrings:nats publish to {subject}:", line, StringComparison.Ordinal);
        var (status, text) = await host.HealthAsync("ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains(subject, text, StringComparison.Ordinal);

        await nats.ReloadAsync(shipped, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => host.Topology.Problem is null);
        ForgetWhatWasRefused();
        await host.BecomesAsync(HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);
        Assert.Single(host.Logs, IsTrouble);
    }

    /// <summary>Its streams are there, and what it does with them is refused: it is of no use, and must not look as if it were.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(NatsUsers.Api, Parts.Api, "$JS.API.CONSUMER.CREATE.KV_kgents_tenants.>", "$JS.API.CONSUMER.CREATE.KV_kgents_tenants.>")]
    [InlineData(NatsUsers.Streaming, Parts.Streaming, "$JS.API.CONSUMER.MSG.NEXT.KGENTS_MESSAGES.turn-workers", "$JS.API.CONSUMER.MSG.NEXT.KGENTS_MESSAGES.>")]
    [InlineData(NatsUsers.Metering, Parts.Metering, "$JS.API.STREAM.MSG.GET.KGENTS_LEDGER", "$JS.API.STREAM.MSG.GET.KGENTS_LEDGER")]
    internal async Task Worker_IsUnreadyAndSaysItOnce_WhileItsWorkIsRefused(string user, Parts parts, string subject, string told)
    {
        Assert.Contains(Right.All, right => (right.User, right.Subject) == (user, subject));
        var file = File.ReadAllText(NatsUsers.File);
        await nats.ReloadAsync(file.Replace($"\"{subject}\"", "\"nothing\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await using var openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(users.UrlOf(user, nats.Port), parts, time, ("Auth:BootstrapKey", KgentsHost.NewKey()), ("ConnectionStrings:openmeter", openMeter.ConnectionString));

        await RefusedSeveralTimesAsync();

        Assert.Contains($"publish to {told}:", Assert.Single(host.Logs.Lines, IsTrouble), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync(host));

        await nats.ReloadAsync(file, TestContext.Current.CancellationToken);
        ForgetWhatWasRefused();
        await Eventually.TrueAsync(async () => await ReadyAsync(host) == HttpStatusCode.OK);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Service_WaitsAndSaysThatItIsNotLetIn_UntilItsPasswordIsRight()
    {
        const string Wrong = "kwrong-password";
        await using var host = await BareHost.StartAsync($"nats://api:{Wrong}@127.0.0.1:{nats.Port}", [Streams.Usage]);

        await Eventually.TrueAsync(async () => (await nats.ReadLogAsync(TestContext.Current.CancellationToken)).Count(line => line.Contains("authentication error - User \"api\"", StringComparison.Ordinal)) > 3);

        var line = Assert.Single(host.Logs, IsTrouble);
        Assert.Contains("does not let the user 'api' of ConnectionStrings:nats in", line, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.HealthAsync("ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);

        await nats.ReloadAsync(shipped.Replace("password: $KGENTS_NATS_API", $"password: {Wrong}", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await host.BecomesAsync(HttpStatusCode.OK);
        Assert.Single(host.Logs, IsTrouble);
        Assert.DoesNotContain(host.Logs, line => line.Contains(Wrong, StringComparison.Ordinal));
    }

    /// <summary>Its question is long gone, or its connection is another: nothing is wrong with its rights.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Service_StaysReadyAndSaysItOnce_WhenItsAnswersComeTooLate()
    {
        await using var host = await KgentsHost.StartAsync(users.UrlOf(NatsUsers.Streaming, nats.Port), Parts.Streaming);
        await Eventually.TrueAsync(async () => await ReadyAsync(host) == HttpStatusCode.OK);

        for (var number = 0; number < 3; number++)
        {
            await host.JetStream.Connection.PublishAsync($"_INBOX_kgents-api.x.{number}", cancellationToken: TestContext.Current.CancellationToken);
        }

        await Eventually.TrueAsync(async () => (await nats.ReadViolationsAsync(TestContext.Current.CancellationToken)).Count == 3);
        await Eventually.TrueAsync(() => host.Logs.Lines.Any(IsTrouble));
        Assert.Contains("refused an answer", Assert.Single(host.Logs.Lines, IsTrouble), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await ReadyAsync(host));
    }

    [Theory]
    [InlineData("kgents.usage.0.acme.turns", "kgents.usage.>")]
    [InlineData("$KV.kgents_api_keys.0a1b", "$KV.kgents_api_keys.>")]
    [InlineData("$JS.API.STREAM.INFO.KGENTS_USAGE", "$JS.API.STREAM.INFO.KGENTS_USAGE")]
    [InlineData("$JS.API.STREAM.MSG.GET.KV_kgents_quota", "$JS.API.STREAM.MSG.GET.KV_kgents_quota")]
    [InlineData("$JS.API.CONSUMER.CREATE.KGENTS_TOKENS.x7.kgents.tokens.>", "$JS.API.CONSUMER.CREATE.KGENTS_TOKENS.>")]
    [InlineData("$JS.ACK.KGENTS_MESSAGES.turn-workers.1.2.3.4.0", "$JS.ACK.KGENTS_MESSAGES.>")]
    [InlineData("_INBOX_kgents-api.x7.*", "_INBOX_kgents-api.>")]
    [InlineData("other", "other")]
    public void Topic_HasWhatIsTheSameForAll(string subject, string topic) => Assert.Equal(topic, NatsRefusals.Topic(subject));

    private static async Task<HttpStatusCode> ReadyAsync(KgentsHost host)
    {
        using var response = await host.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    /// <summary>The framework says at each look at the health what it is; only that is not counted.</summary>
    private static bool IsTrouble(string line) =>
        line.Split(' ')[0] is "Warning" or "Error" or "Critical" && !line.Contains("DefaultHealthCheckService", StringComparison.Ordinal);

    /// <summary>It was long ago. Whoever still waits for an answer to that says so himself from now on.</summary>
    private void ForgetWhatWasRefused() => time.Ahead += TimeSpan.FromMinutes(1);

    private Task RefusedSeveralTimesAsync() => Eventually.TrueAsync(async () => (await nats.ReadViolationsAsync(TestContext.Current.CancellationToken)).Count > 2);
}
