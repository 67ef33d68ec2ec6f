namespace Kgents.Tests.Hosting;

/// <summary>With an API; each test starts the workers that it needs.</summary>
public abstract class ApiTurnTest : TurnTest
{
    private protected KgentsHost api = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
    }

    public override async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
