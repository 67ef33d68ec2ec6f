using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Kgents.Testing.LongestFirst))]

namespace Kgents.Testing;

/// <summary>About how long a class of tests takes; those without it take less.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class TakesSecondsAttribute(int seconds) : Attribute
{
    public int Seconds => seconds;
}

/// <summary>Begins with the classes that take longest: one that begins last goes on alone when all others have ended, and the run waits for it.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly (string Class, int Seconds)[] Long =
        [.. from type in typeof(LongestFirst).Assembly.GetTypes() let takes = type.GetCustomAttribute<TakesSecondsAttribute>() where takes is not null select (type.FullName!, takes.Seconds)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderByDescending(each => SecondsOf(each))];

    /// <summary>A collection of one class is known by its name alone.</summary>
    internal static int SecondsOf(ITestCollection collection) => Long.FirstOrDefault(each => collection.TestCollectionDisplayName.Split(' ').Contains(each.Class)).Seconds;
}
