using System.Diagnostics;

namespace Kgents.Bench.Model;

/// <summary>Says when tokens are due: at a fixed rate, whatever becomes of them (open loop). Who is late gets several at once.</summary>
internal sealed class Pacer
{
    /// <summary>Tokens in one write of a model that is as fast as it can be.</summary>
    private const int Burst = 16;

    private readonly double perSecond;
    private readonly long started;
    private long given;

    public Pacer(double perSecond)
    {
        this.perSecond = perSecond;

        // Turns that begin together must not stay in step.
        started = Stopwatch.GetTimestamp() + (double.IsFinite(perSecond) ? (long)(Random.Shared.NextDouble() * Stopwatch.Frequency / perSecond) : 0);
    }

    /// <summary>How many tokens are due, when at least one is.</summary>
    public async ValueTask<int> NextAsync(CancellationToken cancellationToken)
    {
        if (!double.IsFinite(perSecond))
        {
            return Burst;
        }

        while (true)
        {
            var elapsed = (Stopwatch.GetTimestamp() - started) / (double)Stopwatch.Frequency;
            var due = (int)((elapsed * perSecond) - given);
            if (due > 0)
            {
                given += due;
                return due;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(((given + 1) / perSecond - elapsed) * 1000))), cancellationToken);
        }
    }
}
