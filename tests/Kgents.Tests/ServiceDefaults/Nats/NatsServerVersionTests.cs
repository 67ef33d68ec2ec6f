using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.ServiceDefaults.Nats;

public sealed class NatsServerVersionTests
{
    [Theory(Timeout = Limits.Test)]
    [InlineData("2.9.10")]
    [InlineData("2.11.99")]
    [InlineData("unknown")]
    public async Task Process_StopsWithAnError_WhenTheServerIsTooOld(string version)
    {
        var before = Environment.ExitCode;
        try
        {
            await using var nats = await OldNatsServer.StartAsync(version, TestContext.Current.CancellationToken);
            await using var host = await BareHost.StartAsync(nats.Url, [Streams.Usage]);
            await Eventually.TrueAsync(() => host.Lifetime.ApplicationStopping.IsCancellationRequested);

            Assert.Equal(1, Environment.ExitCode);
            var line = Assert.Single(host.Logs, line => line.StartsWith("Critical ", StringComparison.Ordinal));
            Assert.Contains($"nats-server {version} at 127.0.0.1", line, StringComparison.Ordinal);
            Assert.Contains("needs 2.12 or newer", line, StringComparison.Ordinal);
        }
        finally
        {
            // Else the whole test run would end with it.
            Environment.ExitCode = before;
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Process_Waits_WhenThereIsNoServerYet()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await nats.StopAsync(cancellationToken);
        await using var host = await BareHost.StartAsync(nats.Url, [Streams.Usage]);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.HealthAsync("ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);

        await nats.RestartAsync(cancellationToken);
        await host.BecomesAsync(HttpStatusCode.OK);
        Assert.False(host.Lifetime.ApplicationStopping.IsCancellationRequested);
    }
}
