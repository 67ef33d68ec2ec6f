using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kgents.Api.Agentese;

/// <summary>The one answer of the soul that has parts: each begins a line with its name.</summary>
internal static partial class Dialectic
{
    public const string Form = " Answer with exactly three lines, and nothing before or after them:\nTHESIS: what it says for itself\nANTITHESIS: the strongest case against it\nSYNTHESIS: what is left standing";

    /// <summary>Null when a part is missing.</summary>
    public static JsonNode? Read(string text)
    {
        var parts = Parts.Match(text).Groups.Values.Skip(1).Select(part => part.Value.Trim(' ', '\r', '\n', '*')).ToList();
        return parts is [{ Length: > 0 } thesis, { Length: > 0 } antithesis, { Length: > 0 } synthesis]
            ? new JsonObject { ["thesis"] = thesis, ["antithesis"] = antithesis, ["synthesis"] = synthesis }
            : null;
    }

    [GeneratedRegex(@"^[ *#]*THESIS[ *]*:(.*?)^[ *#]*ANTITHESIS[ *]*:(.*?)^[ *#]*SYNTHESIS[ *]*:(.*)\z", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Parts { get; }
}
