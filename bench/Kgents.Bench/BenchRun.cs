using System.Text.Json;
using Kgents.Bench.Figures;
using Kgents.Bench.Report;

namespace Kgents.Bench;

/// <summary>One run: measures what was asked for, one figure after the other, and reports.</summary>
internal static class BenchRun
{
    public static async Task<int> RunAsync(BenchArguments arguments, CancellationToken cancellationToken)
    {
        var scale = arguments.Quick ? Scale.Quick : Scale.Full;
        scale = scale with { UsageBacklog = arguments.Backlog ?? scale.UsageBacklog };
        var progress = new Progress(Console.Error);
        var figures = new List<Figure>();
        try
        {
            var machine = await Machine.DescribeAsync(cancellationToken);
            progress.Say(machine.ToString());
            foreach (var name in AllFigures.Names.Where(name => arguments.Only.Count == 0 || arguments.Only.Contains(name)))
            {
                progress.Begin(name);
                figures.AddRange(await AllFigures.MeasureAsync(name, scale, progress, cancellationToken));
            }

            var report = new BenchReport(machine, arguments.Quick, figures);
            FigureTable.Write(Console.Out, figures);
            if (arguments.Json is { } file)
            {
                await File.WriteAllTextAsync(file, JsonSerializer.Serialize(report, ReportJson.Default.BenchReport) + "\n", cancellationToken);
                progress.Say($"wrote {file}");
            }

            return 0;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Whatever the interrupted figure fell over; its processes have ended with it.
            progress.Say("stopped");
            return 130;
        }
    }
}
