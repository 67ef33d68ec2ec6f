using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Documentation;

/// <summary>A page of docs/: its tables by the heading that they stand under, and its examples by their language.</summary>
internal sealed partial class MarkdownPage(string text)
{
    public string Text { get; } = text.ReplaceLineEndings("\n");

    public static MarkdownPage Read(string name) => new(File.ReadAllText(Path.Combine(Repository.Root, "docs", name)));

    /// <summary>The rows of the first table under a heading, each with its cells, without the head.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Table(string heading)
    {
        var lines = Text.Split('\n');
        var start = Array.FindIndex(lines, line => line.TrimStart('#') == $" {heading}" && line.StartsWith('#'));
        Assert.True(start >= 0, $"There is no heading '{heading}'.");

        var section = lines.Skip(start + 1).TakeWhile(line => !line.StartsWith('#'));
        var rows = section.SkipWhile(line => !line.StartsWith('|')).TakeWhile(line => line.StartsWith('|')).Skip(2);
        return [.. rows.Select(row => (IReadOnlyList<string>)[.. row.Trim('|').Split('|').Select(cell => cell.Trim())])];
    }

    /// <summary>The first cells of that table, without their backticks.</summary>
    public IReadOnlyList<string> Names(string heading) => [.. Table(heading).Select(row => row[0].Trim('`'))];

    /// <summary>What stands in backticks in a cell.</summary>
    public static IReadOnlyList<string> Codes(string cell) => [.. Code.Matches(cell).Select(code => code.Groups[1].Value)];

    /// <summary>Every match outside of the examples, once.</summary>
    public IReadOnlySet<string> Find(Regex form) => form.Matches(Fence.Replace(Text, "")).Select(match => match.Value).ToHashSet();

    /// <summary>The fenced blocks of a language.</summary>
    public IReadOnlyList<string> Examples(string language) => [.. Fence.Matches(Text).Where(block => block.Groups[1].Value == language).Select(block => block.Groups[2].Value)];

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code { get; }

    [GeneratedRegex("^```([a-z]+)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence { get; }
}
