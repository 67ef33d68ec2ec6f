using Kgents.Testing;
using Xunit.v3;

namespace Kgents.Tests.Testing;

[TakesSeconds(1)]
public sealed class LongestFirstTests
{
    /// <summary>By what the framework calls a class that is a collection by itself.</summary>
    [Fact]
    public void Class_IsKnownByItsCollection() => Assert.Equal(1, LongestFirst.SecondsOf(TestContext.Current.TestCollection!));

    [Fact]
    public void Others_TakeLess()
    {
        var (own, other) = (Collection($"Test collection for {typeof(LongestFirstTests).FullName} (id: 1)"), Collection($"Test collection for {typeof(LongestFirstTests).FullName}AndMore (id: 2)"));

        Assert.Equal([own, other], new LongestFirst().OrderTestCollections([other, own]));

        XunitTestCollection Collection(string name) => new((IXunitTestAssembly)TestContext.Current.TestAssembly!, null, false, name);
    }
}
