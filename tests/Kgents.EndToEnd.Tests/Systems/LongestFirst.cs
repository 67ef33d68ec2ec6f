using Kgents.EndToEnd.Tests.Chaos;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Kgents.EndToEnd.Tests.Systems.LongestFirst))]

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>The one that takes by far the longest begins first, so that at the end none is waited for alone.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderByDescending(collection => collection.TestCollectionDisplayName.Contains(nameof(ClusterChaosTests), StringComparison.Ordinal))];
}
