using System.Diagnostics;
using Kgents.EndToEnd.Tests.Readme;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>What passes a viewer that takes nothing is not kept for it: it has a place in the log, and not a queue.</summary>
[Collection(typeof(Alone))]
public sealed class StalledMemoryTests
{
    private const int EntrySize = 30 * 1024;
    private const int Entries = 2_000;
    private const long Passed = (long)EntrySize * Entries;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Memory_StaysFlat_WhileMuchPassesAStalledViewer()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings
        {
            Workers = 0,
            Metering = false,
            Environment = new Dictionary<string, string?>
            {
                // It is never cut: what it costs is seen at its worst. A small ring and a small nursery, so that what is not garbage shows.
                ["Turns__Stream__WriteDeadline"] = "00:10:00",
                ["Turns__Stream__RingSize"] = "32",
                ["DOTNET_gcServer"] = "0",
                ["DOTNET_GCgen0size"] = "0x1000000",
            },
        });
        var turn = await WrittenTurn.BeginAsync(system);

        var first = await PassAsync(system, turn);
        var floor = await PassAsync(system, turn);
        using var stalled = await StalledViewer.ConnectAsync(system.Api.Address, $"{turn.Path}?after={await turn.LastAsync()}", system.Key);
        var with = await PassAsync(system, turn);

        var figures = $"working set in MB: {first >> 20}, again {floor >> 20}, with a stalled viewer {with >> 20}; {Passed >> 20} MB passed each time";
        TestContext.Current.TestOutputHelper?.WriteLine(figures);
        Assert.True(with - floor < Passed / 3, figures);
        Assert.DoesNotContain(system.Output, line => line.Contains("was cut", StringComparison.Ordinal));
        Assert.StartsWith("HTTP/1.1 200 OK", await stalled.ReadSomeAsync(), StringComparison.Ordinal);
    }

    /// <summary>Writes much into the log, which a live viewer reads meanwhile; returns what the API then holds.</summary>
    private static async Task<long> PassAsync(KgentsSystem system, WrittenTurn turn)
    {
        var path = $"{turn.Path}?after={await turn.LastAsync()}";
        using var response = await system.Client.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await Task.WhenAll(turn.WriteAsync(EntrySize, Entries), ReadAsync(response));
        using var api = Process.GetProcessById(system.Api.ProcessId);
        return api.WorkingSet64;
    }

    private static async Task ReadAsync(HttpResponseMessage response)
    {
        await using var stream = await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[64 * 1024];
        for (var left = Passed; left > 0;)
        {
            var count = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
            Assert.True(count > 0, "The live viewer was cut.");
            left -= count;
        }
    }
}
