using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Documentation;

/// <summary>docs/security.md names tests that there are.</summary>
public sealed partial class SecurityPageTests
{
    [Fact]
    public void EveryTestThatIsNamed_IsThere()
    {
        var named = TestName.Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "security.md"))).Select(name => name.Groups[1].Value).Distinct().ToList();
        var there = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension).ToHashSet();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, there));
    }

    [GeneratedRegex("`([A-Za-z]+Tests)`")]
    private static partial Regex TestName { get; }
}
