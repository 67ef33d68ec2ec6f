namespace Kgents.Tests.Documentation;

/// <summary>docs/operations.md, as tests read it.</summary>
internal static class OperationsPage
{
    public static MarkdownPage Page { get; } = MarkdownPage.Read("operations.md");

    public static IReadOnlyList<DocumentedMetric> Metrics { get; } =
        [.. Page.Table("Metrics").Select(row => new DocumentedMetric(row[0].Trim('`'), row[1], row[2].Trim('`'), MarkdownPage.Codes(row[3]), row[4]))];
}

/// <param name="Kind"><c>counter</c>, <c>up-down counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
internal sealed record DocumentedMetric(string Name, string Kind, string Unit, IReadOnlyList<string> Attributes, string Description);
