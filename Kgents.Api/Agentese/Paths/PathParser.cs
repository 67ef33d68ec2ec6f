using System.Diagnostics.CodeAnalysis;

namespace Kgents.Api.Agentese;

/// <summary>
/// The grammar of AGENTESE: <c>context.holon.aspect</c>, then clauses in brackets, then annotations, each behind an @. A fault says where it is and, if something is near that is a path, which.
/// </summary>
internal sealed class PathParser
{
    private const int LongestName = 40;
    private const int MostModifiers = 8;

    private readonly string text;
    private readonly int names;
    private readonly bool suggests;
    private int position;

    private PathParser(string text, int names, bool suggests) => (this.text, this.names, this.suggests) = (text, names, suggests);

    /// <summary>Exactly five.</summary>
    public static IReadOnlyList<string> Contexts { get; } = ["world", "self", "concept", "void", "time"];

    /// <summary>Reads <c>context.holon.aspect</c> and all that may stand behind it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out AgentesePath? path, [NotNullWhen(false)] out PathFault? fault) =>
        new PathParser(text, names: 3, suggests: true).TryRead(out path, out fault);

    /// <summary>Reads the handle of a node: <c>context.holon</c> and nothing else.</summary>
    public static bool TryParseHandle(string text, [NotNullWhen(true)] out AgentesePath? path, [NotNullWhen(false)] out PathFault? fault) =>
        new PathParser(text, names: 2, suggests: true).TryRead(out path, out fault);

    private bool TryRead([NotNullWhen(true)] out AgentesePath? path, [NotNullWhen(false)] out PathFault? fault)
    {
        path = null;
        if (text.Length is 0 or > AgentesePath.Longest)
        {
            fault = text.Length == 0 ? Fault("The path is empty.", 0, names == 3 ? "self.soul.manifest" : "self.soul") : new PathFault($"A path has at most {AgentesePath.Longest} characters.", AgentesePath.Longest, null);
            return false;
        }

        var found = new List<string>(names);
        var modifiers = new List<PathModifier>();
        fault = ReadNames(found) ?? ReadClauses(modifiers) ?? ReadAnnotations(modifiers) ?? (position < text.Length ? Fault($"There is nothing that begins with '{Shown(text[position])}' here.", position, text[..position]) : null);
        if (fault is not null)
        {
            return false;
        }

        path = new AgentesePath(found[0], found[1], names == 3 ? found[2] : "", modifiers);
        return true;
    }

    private PathFault? ReadNames(List<string> found)
    {
        while (true)
        {
            var start = position;
            position = text.AsSpan(start).IndexOfAny('.', '[', '@') is >= 0 and var length ? start + length : text.Length;
            var name = text[start..position];
            if (WrongAt(name) is { } wrong)
            {
                return name.Length == 0
                    ? Fault(start == 0 ? "A path begins with a name." : "A name is missing here.", start, start > 0 && found.Count == names ? text[..(start - 1)] : null)
                    : Fault(
                        wrong >= LongestName ? $"A name has at most {LongestName} characters." : "A name is a small letter, then small letters, digits and '_'.",
                        start + wrong, text[..start] + name.ToLowerInvariant().Replace('-', '_') + text[position..]);
            }

            if (found.Count == 0 && !Contexts.Contains(name))
            {
                return Fault($"There is no context '{name}'; they are {string.Join(", ", Contexts)}.", 0, Nearest.Of(name, Contexts) is { } near ? near + text[position..] : null, isUnknown: true);
            }

            if (found.Count == names)
            {
                return Fault($"A path has {names} names, with dots between them.", start - 1, text[..(start - 1)]);
            }

            found.Add(name);
            if (position < text.Length && text[position] == '.')
            {
                position++;
                continue;
            }

            return found.Count == names ? null
                : Fault(
                    names == 3 ? "A path has three names, as self.soul.manifest: a context, what is in it, and what is to be done." : "A handle has two names, as self.soul.",
                    position, found.Count == 2 ? text[..position] + ".manifest" + text[position..] : null);
        }
    }

    /// <summary>A handle has none.</summary>
    private PathFault? ReadClauses(List<PathModifier> modifiers)
    {
        while (names == 3 && position < text.Length && text[position] == '[')
        {
            var close = text.IndexOf(']', position);
            if (close < 0)
            {
                return Fault("This clause is not closed.", position, text + "]");
            }

            if (Add(modifiers, text[(position + 1)..close], isAnnotation: false) is { } fault)
            {
                return fault;
            }

            position = close + 1;
        }

        return null;
    }

    private PathFault? ReadAnnotations(List<PathModifier> modifiers)
    {
        while (names == 3 && position < text.Length && text[position] == '@')
        {
            var end = text.AsSpan(position + 1).IndexOfAny('@', '[') is >= 0 and var length ? position + 1 + length : text.Length;
            if (Add(modifiers, text[(position + 1)..end], isAnnotation: true) is { } fault)
            {
                return fault;
            }

            position = end;
        }

        return null;
    }

    private PathFault? Add(List<PathModifier> modifiers, string body, bool isAnnotation)
    {
        var (before, after) = (text[..(position + 1)], text[(position + 1 + body.Length)..]);
        var equals = body.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? body : body[..equals];
        var choices = isAnnotation ? PathModifiers.Annotations : PathModifiers.Clauses;
        if (!choices.Contains(name))
        {
            return Fault(
                $"There is no such {(isAnnotation ? "annotation" : "clause")}; they are {string.Join(", ", choices)}.", position + 1,
                Nearest.Of(name.ToLowerInvariant(), choices) is { } near ? before + near + body[name.Length..] + after : null);
        }

        if (equals < 0 && (isAnnotation || !PathModifiers.IsFlag(name)))
        {
            return Fault($"'{name}' needs a value: {name}=….", position + 1 + name.Length, null);
        }

        var value = equals < 0 ? "true" : body[(equals + 1)..];
        if (PathModifiers.Refuse(name, value) is { } refused)
        {
            return Fault(refused.Reason, position + 1 + equals + 1, refused.Instead is { } instead ? $"{before}{name}={instead}{after}" : null);
        }

        if (modifiers.Exists(modifier => modifier.Name == name) || modifiers.Count == MostModifiers)
        {
            return Fault(modifiers.Count == MostModifiers ? $"A path has at most {MostModifiers} modifiers." : $"'{name}' stands here twice.", position, text[..position]);
        }

        modifiers.Add(new PathModifier(name, value, isAnnotation, position));
        return null;
    }

    /// <summary>A suggestion is one only if it is a path itself.</summary>
    private PathFault Fault(string reason, int at, string? suggestion, bool isUnknown = false) =>
        new(reason, at, suggests && suggestion is not null && new PathParser(suggestion, names, suggests: false).TryRead(out _, out _) ? suggestion : null, isUnknown);

    /// <summary>Null for a name that is one.</summary>
    private static int? WrongAt(string name)
    {
        for (var at = 0; at < name.Length; at++)
        {
            if (at == LongestName || !(char.IsAsciiLetterLower(name[at]) || (at > 0 && (char.IsAsciiDigit(name[at]) || name[at] == '_'))))
            {
                return at;
            }
        }

        return name.Length == 0 ? 0 : null;
    }

    private static string Shown(char character) => char.IsControl(character) || char.IsSurrogate(character) ? $"U+{(int)character:X4}" : character.ToString();
}
