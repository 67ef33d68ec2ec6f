using System.Diagnostics;

namespace Kgents.Bench;

/// <summary>Says on standard error what the run is doing, so that standard output is the table alone.</summary>
internal sealed class Progress(TextWriter output)
{
    private readonly long started = Stopwatch.GetTimestamp();
    private string figure = "bench";

    public void Begin(string name) => figure = name;

    public void Say(string what) => output.WriteLine($"{Stopwatch.GetElapsedTime(started).TotalSeconds,6:0.0} s  {figure}: {what}");
}
