using Kgents.Flux;

namespace Kgents.Tests.Flux;

public sealed class FluxPurityTests
{
    /// <summary>The agent can be lifted out and run anywhere: it knows neither the bus nor the web, nor the worker that runs it here.</summary>
    [Fact]
    public void Flux_ReferencesNothingButItsModelsAbstractionAndTheContracts()
    {
        var foreign = typeof(KgentFlux).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name!).Where(name => !name.StartsWith("System.", StringComparison.Ordinal));

        Assert.Equal(["Kgents.Contracts", "Microsoft.Extensions.AI.Abstractions"], foreign.Order());
    }
}
