using System.Globalization;
using System.Text.RegularExpressions;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>The events that are whole in the raw text of a response that was cut somewhere.</summary>
internal static partial class SeenIds
{
    public static IReadOnlyList<ulong> In(string text) => [.. Event.Matches(text).Select(match => ulong.Parse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"id: (\d+)\nevent: \w+\ndata: [^\n]*\n\n")]
    private static partial Regex Event { get; }
}
