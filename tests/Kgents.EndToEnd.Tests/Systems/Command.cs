using System.Diagnostics;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>A command that ends by itself, and what it wrote.</summary>
internal sealed record Command(int ExitCode, string Output, string Errors)
{
    /// <param name="input">Written to standard input, which is then closed.</param>
    public static async Task<Command> RunAsync(
        string file, IReadOnlyList<string> arguments, string input = "", IReadOnlyDictionary<string, string?>? environment = null, CancellationToken? cancellationToken = null)
    {
        var token = cancellationToken ?? TestContext.Current.CancellationToken;
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var ended = token.Register(() => process.Kill(entireProcessTree: true));
        await process.StandardInput.WriteAsync(input.AsMemory(), token);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(token);
        var errors = process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return new Command(process.ExitCode, await output, await errors);
    }
}
