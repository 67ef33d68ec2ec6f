using System.Globalization;

namespace Kgents.Bench.Report;

/// <summary>The figures as a table, which is Markdown as well.</summary>
internal static class FigureTable
{
    private static readonly string[] Head = ["figure", "measured", "floor", "ratio", "target", "reached"];

    public static void Write(TextWriter output, IReadOnlyList<Figure> figures)
    {
        string[][] rows = [Head, .. figures.Select(Row)];
        var widths = Enumerable.Range(0, Head.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var (index, row) in rows.Index())
        {
            output.WriteLine($"| {string.Join(" | ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column])))} |");
            if (index == 0)
            {
                output.WriteLine($"|{string.Join("|", widths.Select((width, column) => column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ":"))}|");
            }
        }
    }

    private static string[] Row(Figure figure) =>
    [
        figure.Name,
        $"{Number(figure.Measured)} {figure.Unit}",
        figure.Floor is { } floor ? $"{Number(floor)} {figure.Unit}" : "",
        figure.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "",
        figure.Target?.Text ?? "",
        figure.Reached is { } reached ? (reached ? "yes" : "no") : "",
    ];

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "#,0" : "0.00", CultureInfo.InvariantCulture);
}
