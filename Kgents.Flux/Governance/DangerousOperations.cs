using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Kgents.Flux;

/// <summary>
/// Words that make an operation one for people, whatever a model thinks of it. It is meant to find too much: an operation that is held up costs a look, one that slips
/// through may cost the data.
/// </summary>
internal static partial class DangerousOperations
{
    /// <summary>Dangerous anywhere, also inside of another word.</summary>
    private static readonly string[] Anywhere = ["delete", "remove", "truncate", "destroy", "production", "sudo", "password", "secret", "credential", "apikey", "token", "purge", "erase", "reformat"];

    /// <summary>Dangerous at the beginning of a word.</summary>
    private static readonly string[] Beginnings = ["drop", "force", "format", "wipe"];

    /// <summary>Dangerous as a word.</summary>
    private static readonly string[] Words = ["rm", "rmdir", "del", "prod"];

    /// <summary>Dangerous as they stand.</summary>
    private static readonly string[] Options = ["-f", "--force"];

    /// <summary>The first of them in the text; null when there is none.</summary>
    public static string? Find(string operation)
    {
        var plain = Plain(operation);
        var words = Word.Matches(Humps.Replace(plain, " ")).Select(word => word.Value.ToLowerInvariant()).ToList();
        var text = plain.ToLowerInvariant();

        // Words that are put together of several are looked for without what is between: api_key, API-key, "a p i k e y".
        var joined = string.Concat(text.Where(char.IsLetterOrDigit));
        return Anywhere.FirstOrDefault(each => joined.Contains(each, StringComparison.Ordinal))
            ?? Words.FirstOrDefault(words.Contains)
            ?? Beginnings.FirstOrDefault(each => words.Any(word => word.StartsWith(each, StringComparison.Ordinal)))
            ?? Options.FirstOrDefault(each => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Any(part => part == each || part.StartsWith(each + "=", StringComparison.Ordinal)));
    }

    /// <summary>True when letters of another alphabet stand among Latin ones: it may be made to look like something else.</summary>
    public static bool IsDisguised(string operation) => Mixed.IsMatch(Plain(operation));

    /// <summary>Without accents, wide forms and what cannot be seen.</summary>
    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (Rune.GetUnicodeCategory(rune))
            {
                case UnicodeCategory.Format or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark:
                    break;
                default:
                    plain.Append(rune.Value is >= 0xFF01 and <= 0xFF5E ? ((char)(rune.Value - 0xFEE0)).ToString() : rune.ToString());
                    break;
            }
        }

        return plain.ToString();
    }

    [GeneratedRegex("[A-Za-z0-9]+")]
    private static partial Regex Word { get; }

    /// <summary>Between a small letter and a capital, as in deleteUser.</summary>
    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Humps { get; }

    [GeneratedRegex(@"[A-Za-z][\p{IsCyrillic}\p{IsGreek}\p{IsArmenian}\p{IsCherokee}]|[\p{IsCyrillic}\p{IsGreek}\p{IsArmenian}\p{IsCherokee}][A-Za-z]")]
    private static partial Regex Mixed { get; }
}
