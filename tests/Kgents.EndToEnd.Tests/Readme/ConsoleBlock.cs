namespace Kgents.EndToEnd.Tests.Readme;

/// <summary>A command of a page and the output that it promises.</summary>
internal sealed record DocumentedCommand(string Text, IReadOnlyList<string> Output);

/// <summary>The fenced <c>console</c> blocks of a Markdown file that are marked as tested.</summary>
internal static class ConsoleBlock
{
    private const string Prompt = "$ ";
    private const string Fence = "```";

    /// <summary>All commands of the blocks that <c>&lt;!-- tested: name --&gt;</c> stands directly before. A command whose line ends with a backslash goes on in the next.</summary>
    public static IReadOnlyList<DocumentedCommand> Read(IEnumerable<string> markdown, string name)
    {
        var commands = new List<DocumentedCommand>();
        var lines = new Queue<string>(markdown);
        while (lines.TryDequeue(out var line))
        {
            if (line.Trim() == $"<!-- tested: {name} -->")
            {
                Assert.Equal($"{Fence}console", lines.Dequeue().Trim());
                ReadBlock(lines, commands);
            }
        }

        return commands;
    }

    private static void ReadBlock(Queue<string> lines, List<DocumentedCommand> commands)
    {
        for (var line = lines.Dequeue(); line != Fence; line = lines.Dequeue())
        {
            if (line.StartsWith(Prompt, StringComparison.Ordinal))
            {
                commands.Add(new DocumentedCommand(ReadCommand(line[Prompt.Length..], lines), []));
            }
            else
            {
                Assert.True(commands.Count > 0, $"The block begins with output: {line}");
                commands[^1] = commands[^1] with { Output = [.. commands[^1].Output, line] };
            }
        }
    }

    private static string ReadCommand(string first, Queue<string> lines) =>
        first.EndsWith('\\') ? $"{first}\n{ReadCommand(lines.Dequeue(), lines)}" : first;
}
