using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Operations;

/// <summary>A nats-server with every stream, and a directory for backups of it.</summary>
public abstract class BackupTest : IAsyncLifetime
{
    protected string Backups { get; } = Directory.CreateTempSubdirectory("kgents-").FullName;

    protected NatsServer Nats { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming | Parts.Metering, ("ConnectionStrings:openmeter", "Endpoint=http://127.0.0.1:9;Key=none"));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Nats.DisposeAsync();
        Directory.Delete(Backups, recursive: true);
        GC.SuppressFinalize(this);
    }
}
