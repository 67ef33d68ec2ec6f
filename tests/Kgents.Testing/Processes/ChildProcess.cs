using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kgents.Testing;

/// <summary>A process with captured output that is killed when it is disposed, or when the test process exits or is terminated.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private readonly PosixSignalRegistration[] _terminations;
    private bool _disposed;

    private ChildProcess(Process process)
    {
        _process = process;
        Id = process.Id;
        _reading = ReadOutputAsync();
        AppDomain.CurrentDomain.ProcessExit += OnTestProcessExit;

        // Since .NET 10 a SIGTERM raises no ProcessExit. Not SIGINT: the test runner answers that by ending its tests.
        _terminations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => _process.Kill()),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => _process.Kill()),
        ];
    }

    public int Id { get; }

    public bool HasExited => _process.HasExited;

    public OutputLines Output { get; } = new(5_000);

    public static ChildProcess Start(ProcessStartInfo startInfo)
    {
        startInfo.UseShellExecute = false;
        startInfo.RedirectStandardInput = true;
        startInfo.RedirectStandardOutput = true;
        startInfo.RedirectStandardError = true;
        var process = Process.Start(startInfo)
            ?? throw new InvalidOperationException($"'{startInfo.FileName}' did not start.");
        return new ChildProcess(process);
    }

    public void Signal(int signal)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"Process {Id} has already exited with {_process.ExitCode}.");
        }

        UnixSignal.Send(Id, signal);
    }

    /// <summary>SIGTERM, then the exit code.</summary>
    public async Task<int> TerminateAsync(CancellationToken cancellationToken)
    {
        if (!_process.HasExited)
        {
            UnixSignal.Send(Id, UnixSignal.Terminate);
        }

        return await WaitForExitAsync(cancellationToken);
    }

    /// <summary>SIGKILL, then the exit code. The end of the output is not awaited: a child that was left behind may hold it open.</summary>
    public async Task<int> KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await _reading.WaitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        AppDomain.CurrentDomain.ProcessExit -= OnTestProcessExit;
        foreach (var termination in _terminations)
        {
            termination.Dispose();
        }

        await KillAsync(CancellationToken.None);
        _process.Dispose();
    }

    private async Task ReadOutputAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        Output.End();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            Output.Add(line);
        }
    }

    private void OnTestProcessExit(object? sender, EventArgs e) => _process.Kill();
}
