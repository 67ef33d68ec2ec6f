using System.Diagnostics;

namespace Kgents.Testing;

/// <summary>Asks nats-server what it makes of a configuration file.</summary>
public static class NatsConfiguration
{
    /// <summary>Whether it would start with it, and what it says.</summary>
    public static async Task<(bool IsValid, string Text)> CheckAsync(string file, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(NatsServerExecutable.Find(), ["-t", "-c", file]);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        await using var process = ChildProcess.Start(start);
        return (await process.WaitForExitAsync(cancellationToken) == 0, process.Output.Tail());
    }
}
