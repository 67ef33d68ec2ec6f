using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>A place in the system where a process runs, dies and runs again, each time at another address.</summary>
internal sealed class Replica(string project, IReadOnlyDictionary<string, string?> environment) : IAsyncDisposable
{
    private readonly List<string> complaints = [];
    private ServiceProcess? process;

    public string Project => project;

    /// <summary>While it is down that of the dead one, as for a client that does not know yet.</summary>
    public Uri Address => Process.Address;

    public ServiceProcess Process => Volatile.Read(ref process) ?? throw new InvalidOperationException($"{project} was never started.");

    /// <summary>What its processes warned of or failed with.</summary>
    public IReadOnlyList<string> Complaints => [.. complaints, .. Read(Process)];

    /// <summary>Returns when it listens; it may not be ready yet.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var next = await ServiceProcess.StartAsync(project, environment, cancellationToken);
        if (Interlocked.Exchange(ref process, next) is { } ended)
        {
            complaints.AddRange(Read(ended));
            await ended.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => process?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static IEnumerable<string> Read(ServiceProcess process)
    {
        var lines = process.Output;
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i].Contains("warn:", StringComparison.Ordinal) || lines[i].Contains("fail:", StringComparison.Ordinal) || lines[i].Contains("crit:", StringComparison.Ordinal)
                || lines[i].Contains("Unhandled exception", StringComparison.Ordinal))
            {
                yield return string.Join(' ', lines.Skip(i).Take(2).Select(line => line.Trim()));
            }
        }
    }
}
