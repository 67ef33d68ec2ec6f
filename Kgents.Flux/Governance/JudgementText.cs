using System.Globalization;
using System.Text.RegularExpressions;

namespace Kgents.Flux;

/// <summary>Reads the four lines that the model was asked for, with the ornament that models put around them. What is not clear is not read.</summary>
internal static partial class JudgementText
{
    /// <summary>Null when it says no recommendation, or more than one, or not how sure it is.</summary>
    public static (string Recommendation, double Confidence, IReadOnlyList<string> Principles, string Reasoning)? Read(string text)
    {
        var lines = Line.Matches(text).ToLookup(line => line.Groups["label"].Value.ToLowerInvariant(), line => line.Groups["value"].Value.Trim(' ', '*', '_', '`', '"', '.'));
        var recommendations = lines["recommendation"].Select(value => value.ToLowerInvariant()).Distinct().ToList();
        if (recommendations is not ["approve" or "reject" or "escalate"] || lines["confidence"].Distinct().ToList() is not [var sure] || Share(sure) is not { } confidence)
        {
            return null;
        }

        var principles = string.Join(',', lines["principles"]).Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return (recommendations[0], confidence, principles, lines["reasoning"].FirstOrDefault() is { Length: > 0 } reasoning ? reasoning : "No reason was given.");
    }

    /// <summary>0.85 or 85 %; null for what is no share.</summary>
    private static double? Share(string text)
    {
        var isPercent = text.EndsWith('%');
        return double.TryParse(text.TrimEnd('%', ' '), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && (number /= isPercent ? 100 : 1) <= 1 ? number : null;
    }

    [GeneratedRegex(@"^[\s*_#>`-]*(?<label>recommendation|confidence|principles|reasoning)[*_`]*\s*[:=](?<value>.*)$", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex Line { get; }
}
