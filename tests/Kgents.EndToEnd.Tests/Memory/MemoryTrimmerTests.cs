using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Memory;

/// <summary>A process of its own: what the garbage of a process is, its other tests would decide.</summary>
[TakesSeconds(23)]
public sealed class MemoryTrimmerTests
{
    private const string Trimmed = "MiB back, in";

    /// <summary>A few answers with it allocate so much that the API is not at rest, however seldom a busy machine lets it answer.</summary>
    private static readonly string Long = new('x', 16 * 1024);

    private static readonly (string, string?) Told = ("Logging__LogLevel__Kgents.ServiceDefaults.Memory", "Debug");

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_GivesMemoryBack_WhenItHasComeToRest_AndNotBefore()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Workers = 0, Metering = false });
        var api = await system.StartApiAsync(Told, ("Memory__TrimAfter", "00:00:01"));
        var session = await system.Client.CreateSessionAsync();

        (await system.Client.PostAsync(session, new { message = Long })).Dispose();

        // Its start leaves garbage too, which it may give back as long as it looks at a time that began before this.
        await AskForAsync(TimeSpan.FromSeconds(2));
        var before = api.Output.Count(IsTrim);
        await AskForAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(before, api.Output.Count(IsTrim));
        await Eventually.TrueAsync(() => Task.FromResult(api.Output.Count(IsTrim) > before));

        async Task AskForAsync(TimeSpan time)
        {
            var since = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(since) < time)
            {
                await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => system.Client.MessagesAsync(session)));
            }
        }
    }

    /// <summary>Not everything, for which all would wait: only what is young.</summary>
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_CollectsWhatIsYoung_WhenItHasDoneALittle()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Workers = 0, Metering = false });
        var api = await system.StartApiAsync(Told, ("Memory__TrimAfter", "00:00:01"));
        var session = await system.Client.CreateSessionAsync();
        (await system.Client.PostAsync(session, new { message = Long })).Dispose();

        // Few answers at a time, with a rest behind them that is longer than two looks: 4 MiB are reached in one of these.
        using var rests = new PeriodicTimer(TimeSpan.FromSeconds(3));
        while (!api.Output.Any(line => line.Contains("that were young, in", StringComparison.Ordinal)))
        {
            await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => system.Client.MessagesAsync(session)));
            await rests.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_KeepsItsMemory_WhenItIsToldTo()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Workers = 0, Metering = false });
        var keeping = await system.StartApiAsync(Told, ("Memory__TrimAfter", "00:00:00"));
        var keepingClient = system.Client;
        var giving = await system.StartApiAsync(Told, ("Memory__TrimAfter", "00:00:01"));
        var session = await system.Client.CreateSessionAsync();
        (await system.Client.PostAsync(session, new { message = Long })).Dispose();
        for (var round = 0; round < 60; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 16).SelectMany(_ => new[] { keepingClient.MessagesAsync(session), system.Client.MessagesAsync(session) }));
        }

        await giving.WaitForLineAsync(IsTrim, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(keeping.Output, IsTrim);
    }

    private static bool IsTrim(string line) => line.Contains(Trimmed, StringComparison.Ordinal);
}
