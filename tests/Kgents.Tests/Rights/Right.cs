using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Rights;

/// <summary>A line of the shipped users' file: who may do what.</summary>
/// <param name="Act"><c>publish</c> or <c>subscribe</c>.</param>
/// <param name="Subject">With wildcards.</param>
internal sealed partial record Right(string User, string Act, string Subject)
{
    /// <summary>All that the file has; who is in it without rights of his own, the operator, may do everything.</summary>
    public static IReadOnlyList<Right> All { get; } = [.. Read(File.ReadLines(NatsUsers.File))];

    public bool Covers(string subject) => Pattern(Subject).IsMatch(subject);

    private static IEnumerable<Right> Read(IEnumerable<string> lines)
    {
        var (user, act) = ("", "");
        foreach (var line in lines.Select(line => line.Trim()))
        {
            user = line.StartsWith("user: ", StringComparison.Ordinal) ? line["user: ".Length..] : user;
            act = line is "publish { allow: [" or "subscribe { allow: [" ? line.Split(' ')[0] : act;
            if (Quoted.Match(line) is { Success: true } quoted)
            {
                yield return new Right(user, act, quoted.Groups[1].Value);
            }
        }
    }

    private static Regex Pattern(string subject) =>
        new("^" + Regex.Escape(subject).Replace(@"\*", "[^.]+", StringComparison.Ordinal).Replace(">", ".+", StringComparison.Ordinal) + "$");

    [GeneratedRegex("""^"(.+)"$""")]
    private static partial Regex Quoted { get; }
}
