using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Bench;

/// <summary>The benchmark with little load: that it still measures, not how fast anything is.</summary>
[TakesSeconds(32)]
public sealed class BenchTests
{
    /// <summary>Those that need most of what the others do; the others too when <c>KGENTS_EVERY_FIGURE</c> is set.</summary>
    public static TheoryData<string, int, int> Figures
    {
        get
        {
            var figures = new TheoryData<string, int, int> { { "throughput", 2, 2 }, { "latency", 2, 2 } };
            if (Environment.GetEnvironmentVariable("KGENTS_EVERY_FIGURE") is { Length: > 0 })
            {
                figures.AddRange(("allocation", 3, 1), ("fan-out", 1, 1), ("idle", 4, 4), ("resume", 1, 1), ("replay", 2, 2), ("listing", 1, 1), ("take-over", 1, 0), ("start", 6, 6), ("usage", 3, 3));
            }

            return figures;
        }
    }

    [Theory(Timeout = Limits.Milliseconds)]
    [MemberData(nameof(Figures))]
    public async Task Figure_IsMeasuredBesideItsFloor_InAQuickRun(string figure, int figures, int floors)
    {
        using var directory = TemporaryDirectory.Create();
        var json = Path.Combine(directory.Path, "bench.json");

        var run = await RunAsync("--quick", "--only", figure, "--json", json);

        Assert.True(run.ExitCode == 0, run.Errors);
        var report = JsonElement.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.True(report.GetProperty("machine").GetProperty("cores").GetInt32() > 0);
        var measured = report.GetProperty("figures").EnumerateArray().ToList();
        Assert.Equal(figures, measured.Count);
        Assert.All(measured, each => Assert.True(double.IsFinite(each.GetProperty("measured").GetDouble())));
        Assert.True(measured.Max(each => each.GetProperty("measured").GetDouble()) > 0);
        var values = measured.Where(each => each.TryGetProperty("floor", out _)).Select(each => each.GetProperty("floor").GetDouble()).ToList();
        Assert.Equal(floors, values.Count);
        Assert.All(values, floor => Assert.True(floor > 0));
        Assert.Contains(measured[0].GetProperty("name").GetString()!, run.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Figure_IsRefused_WhenThereIsNoneOfThatName()
    {
        var run = await RunAsync("--only", "speed");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("take-over", run.Errors, StringComparison.Ordinal);
    }

    private static Task<Command> RunAsync(params string[] arguments)
    {
        // artifacts[/offline]/bin/Kgents.EndToEnd.Tests/debug -> artifacts[/offline]/bin/Kgents.Bench/debug
        DirectoryInfo own = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Command.RunAsync("dotnet", [Path.Combine(own.Parent!.Parent!.FullName, "Kgents.Bench", own.Name, "Kgents.Bench.dll"), .. arguments]);
    }
}
