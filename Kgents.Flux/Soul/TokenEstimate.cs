namespace Kgents.Flux;

/// <summary>
/// How many tokens a text is at most, as common tokenizers cut it, found without one: it is on the way to the first token, and must not depend on whose
/// model answers. It is meant to be too high, for English about twice. What is billed never comes from here.
/// </summary>
public static class TokenEstimate
{
    /// <summary>What a message costs besides its text: its role and its borders.</summary>
    public const int PerMessage = 4;

    private const int LettersPerToken = 3;
    private const int SpacesPerToken = 4;

    public static int Of(string text)
    {
        var tokens = 0;
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            var first = text[at++];
            if (char.IsAsciiLetter(first))
            {
                // A change of case begins a new token, as in camelCase, base64 and the like; a capital belongs to the small letters after it. What is no word is cut finer.
                var small = char.IsAsciiLetterLower(first) || (at < text.Length && char.IsAsciiLetterLower(text[at]));
                while (at < text.Length && (small ? char.IsAsciiLetterLower(text[at]) : char.IsAsciiLetterUpper(text[at])))
                {
                    at++;
                }

                tokens += start > 0 && char.IsAsciiLetterOrDigit(text[start - 1]) ? ((at - start) / 2) + 1 : (at - start + LettersPerToken - 1) / LettersPerToken;
            }
            else if (char.IsWhiteSpace(first))
            {
                while (at < text.Length && char.IsWhiteSpace(text[at]))
                {
                    at++;
                }

                // One space is part of the word after it.
                tokens += at - start == 1 && first == ' ' && at < text.Length ? 0 : (at - start + SpacesPerToken - 1) / SpacesPerToken;
            }
            else
            {
                tokens += first < '\u0800' ? 1 : 2;
            }
        }

        return tokens;
    }
}
