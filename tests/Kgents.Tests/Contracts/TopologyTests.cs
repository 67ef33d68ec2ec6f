using System.Reflection;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts;

/// <summary>What is done to all streams and buckets is done to each of them.</summary>
public sealed class TopologyTests
{
    [Fact]
    public void All_AreEveryDefinition()
    {
        Assert.Equal(Of<StreamDefinition>(typeof(Streams)), Streams.All.ToHashSet());
        Assert.Equal(Of<BucketDefinition>(typeof(Buckets)), Buckets.All.ToHashSet());
    }

    private static HashSet<T> Of<T>(Type type) =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.Static).Where(property => property.PropertyType == typeof(T)).Select(property => (T)property.GetValue(null)!)];
}
