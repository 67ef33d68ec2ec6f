using System.Text.RegularExpressions;

namespace Kgents.Contracts;

/// <summary>What an id may look like before it may enter a subject or a key: no dot, no wildcard, no white space, 40 characters at most.</summary>
internal static partial class IdSyntax
{
    public static string Require(string value, bool valid, string kind) =>
        valid ? value : throw new FormatException($"'{(value.Length > 40 ? value[..40] + "…" : value)}' is not a {kind} id.");

    [GeneratedRegex("^[a-z0-9-]{1,40}\\z")]
    public static partial Regex Tenant { get; }

    [GeneratedRegex("^s[0-9]{1,3}-[0-9a-f]{32}\\z")]
    public static partial Regex Session { get; }

    [GeneratedRegex("^t-[0-9a-f]{32}\\z")]
    public static partial Regex Turn { get; }

    [GeneratedRegex("^k-[0-9a-f]{32}\\z")]
    public static partial Regex ApiKey { get; }

    [GeneratedRegex("^w-[0-9a-f]{32}\\z")]
    public static partial Regex Webhook { get; }

    [GeneratedRegex("^e-[0-9a-f]{32}\\z")]
    public static partial Regex WebhookEvent { get; }
}
