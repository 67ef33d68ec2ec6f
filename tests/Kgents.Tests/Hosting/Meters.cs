using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Hosting;

/// <summary>Metrics for a part that a test makes by itself.</summary>
internal static class Meters
{
    private static readonly ServiceProvider Provider = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public static TMetrics Of<TMetrics>(Func<IMeterFactory, TMetrics> create) => create(Provider.GetRequiredService<IMeterFactory>());
}
