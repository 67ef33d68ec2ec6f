using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>A nats-server, an OpenMeter and somebody who records usage.</summary>
public abstract class MeteringTest : IAsyncLifetime
{
    private protected NatsServer Nats { get; private set; } = null!;

    private protected OpenMeterStandIn OpenMeter { get; private set; } = null!;

    private protected UsageRecorder Recorder { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        OpenMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        Recorder = await UsageRecorder.StartAsync(Nats);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Recorder.DisposeAsync();
        await OpenMeter.DisposeAsync();
        await Nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Task<KgentsHost> StartAsync(params (string Key, string? Value)[] settings) => UsageRecorder.StartMeteringAsync(Nats, OpenMeter, settings);

    private protected static Task<(int Code, string Text)> RunAsync(KgentsHost host, params string[] args) => MeteringOperator.RunAsync(host, args);

    /// <summary>Throws when the host is not ready: OpenMeter being away is no reason to be.</summary>
    private protected static Task<string> ReadyAsync(KgentsHost host) => host.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
}
