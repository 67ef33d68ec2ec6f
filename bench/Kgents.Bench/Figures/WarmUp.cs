using Kgents.Bench.Model;
using Kgents.Bench.Systems;

namespace Kgents.Bench.Figures;

/// <summary>Lets a system run at full speed for a while, so that what is measured later is compiled code.</summary>
internal static class WarmUp
{
    public static async Task RunAsync(BenchSystem system, BenchClient api, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say("warming up");
        system.Model.Load = new ModelLoad(double.PositiveInfinity, scale.WarmUp / 2, (int)(2000 * scale.WarmUp.TotalSeconds));
        await using var load = new Load(cancellationToken);
        await load.BeginAsync(4, api, api, null, cancellationToken);
        await load.WhenEndedAsync();
    }
}
