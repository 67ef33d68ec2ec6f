using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Kgents.Testing;

/// <summary>A built service as a real process on a free loopback port, so that a test can kill it.</summary>
public sealed partial class ServiceProcess : IAsyncDisposable
{
    /// <summary>Only ends what hangs: on a busy machine, and where it is built first, a start takes long.</summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(4);

    private readonly ChildProcess _process;
    private readonly HttpClient _probe;

    private ServiceProcess(string project, ChildProcess process, Uri address)
    {
        Project = project;
        Address = address;
        _process = process;
        _probe = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(5) };
    }

    public string Project { get; }

    /// <summary>The address that the service says it listens on.</summary>
    public Uri Address { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The last 5,000 lines of standard output and error, in the order they were read.</summary>
    public IReadOnlyList<string> Output => _process.Output.Snapshot();

    /// <summary>Starts <c>Kgents.Xyz.dll</c> of the configuration that the tests were built with; returns when it listens.</summary>
    /// <param name="environment">Added to the test's own; a null value removes a variable.</param>
    public static Task<ServiceProcess> StartAsync(
        string project, IReadOnlyDictionary<string, string?> environment, CancellationToken cancellationToken) =>
        StartAsync(project, ServiceStartInfo.Create(project, environment), cancellationToken);

    /// <summary>Starts a service by any command, as a user would; returns when it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(string project, ProcessStartInfo command, CancellationToken cancellationToken)
    {
        var process = ChildProcess.Start(command);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(StartTimeout);
        try
        {
            var line = await process.Output.WaitForAsync(ListeningOn().IsMatch, deadline.Token)
                ?? throw new InvalidOperationException($"{project} ended before it listened.\n{process.Output.Tail()}");
            return new ServiceProcess(project, process, new Uri(ListeningOn().Match(line).Groups[1].Value));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"{project} did not listen within {StartTimeout}.\n{process.Output.Tail()}");
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Polls <c>/health/ready</c> until it answers 200.</summary>
    public async Task WaitForReadyAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(50));
        while (!await IsReadyAsync(cancellationToken))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"{Project} ended before it was ready.\n{_process.Output.Tail()}");
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>The first output line, already written or yet to come, that matches.</summary>
    public async Task<string> WaitForLineAsync(Func<string, bool> predicate, CancellationToken cancellationToken) =>
        await _process.Output.WaitForAsync(predicate, cancellationToken)
        ?? throw new InvalidOperationException($"{Project} ended without the awaited line.\n{_process.Output.Tail()}");

    /// <summary>SIGTERM; returns the exit code when the process is gone.</summary>
    public Task<int> TerminateAsync(CancellationToken cancellationToken) => _process.TerminateAsync(cancellationToken);

    /// <summary>SIGKILL; returns when the process is gone.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => _process.KillAsync(cancellationToken);

    /// <summary>SIGSTOP: the service holds its connections and does nothing.</summary>
    public void Pause() => _process.Signal(UnixSignal.Stop);

    public void Resume() => _process.Signal(UnixSignal.Continue);

    public async ValueTask DisposeAsync()
    {
        _probe.Dispose();
        await _process.DisposeAsync();
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _probe.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    [GeneratedRegex("""Now listening on: (http://[^\s"]+)""")]
    private static partial Regex ListeningOn();
}
