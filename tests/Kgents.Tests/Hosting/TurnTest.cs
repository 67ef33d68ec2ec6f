using Kgents.Testing;

namespace Kgents.Tests.Hosting;

/// <summary>A nats-server and a model that says what a test tells it to; each test starts the services that it needs.</summary>
public abstract class TurnTest : IAsyncLifetime
{
    private protected NatsServer Nats { get; private set; } = null!;

    private protected ScriptedModelServer Model { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        Model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Model.DisposeAsync();
        await Nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
