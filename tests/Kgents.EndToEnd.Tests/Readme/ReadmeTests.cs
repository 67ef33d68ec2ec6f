using System.Diagnostics;
using Kgents.EndToEnd.Tests.Standalone;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Readme;

[Collection(typeof(Alone))]
public sealed class ReadmeTests
{
    private const string DocumentedAddress = "http://localhost:5080";
    private const string EndOfCommand = "--- end of the output of one command ---";

    [Theory(Timeout = Limits.Milliseconds)]
    [InlineData("README.md", "conversation")]
    [InlineData("docs/api-quickstart.md", "quickstart")]
    public async Task Commands_PrintWhatThePageSays(string file, string block)
    {
        var page = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, file), TestContext.Current.CancellationToken);
        var commands = ConsoleBlock.Read(page, block);
        Assert.NotEmpty(commands);
        using var directory = TemporaryDirectory.Create();
        var kgents = await RunAsUserAsync(directory.Path);
        await using var standalone = new StandaloneProcess(kgents, directory.Path);
        var key = await StandaloneProcess.KeyPrintedByAsync(kgents);
        using var client = await standalone.ConnectAsync(key);

        // One shell for all, since a command may set a variable that a later one uses. The first failure ends it.
        var address = kgents.Address.GetLeftPart(UriPartial.Authority);
        var script = string.Concat(commands.Select(command => $"{command.Text.Replace(DocumentedAddress, address)}\necho '{EndOfCommand}'\n"));
        var shell = await Command.RunAsync(
            "bash", ["-eo", "pipefail", "-s"], script, new Dictionary<string, string?> { ["KGENTS_KEY"] = key });

        Assert.True(shell.ExitCode == 0, $"A command failed:\n{shell.Output}\n{shell.Errors}");
        var outputs = shell.Output.Split($"{EndOfCommand}\n")[..^1];
        Assert.Equal(commands.Count, outputs.Length);
        foreach (var (command, output) in commands.Zip(outputs))
        {
            Assert.Equal(ComparableOutput.Of(command.Output), ComparableOutput.Of(output.Replace(address, DocumentedAddress).Split('\n')));
        }
    }

    /// <summary>By the script that the README names. What it builds is built already, unless the sources changed since; nothing of the build stays behind.</summary>
    private static Task<ServiceProcess> RunAsUserAsync(string directory)
    {
        var dev = new ProcessStartInfo(Path.Combine(Repository.Root, "dev"), ["run", "--standalone", "--", "--urls", "http://127.0.0.1:0"]) { WorkingDirectory = Repository.Root };
        dev.Environment["Nats__Directory"] = directory;
        dev.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        dev.Environment["UseSharedCompilation"] = "false";
        foreach (var name in new[] { "nats", "llm", "openmeter" })
        {
            dev.Environment.Remove($"ConnectionStrings__{name}");
        }

        return ServiceProcess.StartAsync("./dev run", dev, TestContext.Current.CancellationToken);
    }
}

/// <summary>Not beside others: should it build after all, it would replace what their processes run.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
