namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>One system, with two workers as under Aspire, for all tests that do not break it. They run one after the other.</summary>
public sealed class SharedSystem : IAsyncLifetime
{
    /// <summary>Turns that one worker runs at once: so few that twenty need both.</summary>
    public const int Slots = 10;

    public KgentsSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await KgentsSystem.StartAsync(new SystemSettings
    {
        Workers = 2,
        Environment = new Dictionary<string, string?> { ["Turns__Slots"] = $"{Slots}" },
    });

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

[CollectionDefinition]
public sealed class OneSystem : ICollectionFixture<SharedSystem>;
