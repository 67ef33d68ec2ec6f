using System.Diagnostics;
using System.Globalization;

namespace Kgents.Testing;

/// <summary>A real nats-server on a free loopback port, with a store of its own that ends with it.</summary>
public sealed class NatsServer : IAsyncDisposable
{
    private readonly string _executable;
    private readonly NatsServerSettings _settings;
    private readonly NatsServerFiles _files;
    private readonly ReservedPort _port = new();
    private ChildProcess? _process;
    private bool _disposed;

    private NatsServer(string executable, NatsServerSettings settings)
    {
        _executable = executable;
        _settings = settings;
        _files = new NatsServerFiles(settings.Store, settings.InMemory);
    }

    /// <summary>Stays the same over restarts.</summary>
    public int Port => _port.Number;

    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>Where JetStream keeps its files; stays the same over restarts.</summary>
    public string StoreDirectory => _files.Store;

    /// <summary>Of the last process that was started, which may have been killed since.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Starts the server and returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or did not start; the message has its log.</exception>
    public static async Task<NatsServer> StartAsync(NatsServerSettings? settings, CancellationToken cancellationToken)
    {
        NatsServer server = new(NatsServerExecutable.Find(), settings ?? new NatsServerSettings());
        try
        {
            await server._files.WriteConfigurationAsync(server._settings, cancellationToken);
            await server.LaunchAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL: no farewell to clients, no flush of its own.</summary>
    public Task KillAsync(CancellationToken cancellationToken = default) => Running.KillAsync(cancellationToken);

    /// <summary>SIGTERM and the wait for the end.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => Running.TerminateAsync(cancellationToken);

    /// <summary>Starts again on the same port and store, after a kill or a stop.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_process is { HasExited: false })
        {
            throw new InvalidOperationException("The server is running: kill or stop it first.");
        }

        if (_process is { } ended)
        {
            await ended.DisposeAsync();
        }

        await LaunchAsync(cancellationToken);
    }

    /// <summary>SIGSTOP: connections stay open and nobody answers.</summary>
    public void Pause() => Running.Signal(UnixSignal.Stop);

    public void Resume() => Running.Signal(UnixSignal.Continue);

    /// <summary>Gives the server other users while it runs: it reads its configuration again.</summary>
    /// <param name="users">In the place of the users' file.</param>
    public async Task ReloadAsync(string users, CancellationToken cancellationToken = default)
    {
        var before = (await ReadLogAsync(cancellationToken)).Count(IsReload);
        await File.WriteAllTextAsync(_files.Users, users, cancellationToken);
        Running.Signal(UnixSignal.HangUp);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while ((await ReadLogAsync(cancellationToken)).Count(IsReload) == before)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }

        static bool IsReload(string line) => line.Contains("Reloaded server configuration", StringComparison.Ordinal);
    }

    /// <summary>Every line that the server has logged, over restarts too.</summary>
    public Task<IReadOnlyList<string>> ReadLogAsync(CancellationToken cancellationToken = default) => _files.ReadLogAsync(cancellationToken);

    /// <summary>What somebody tried without the right to it, as the server has logged it.</summary>
    public async Task<IReadOnlyList<string>> ReadViolationsAsync(CancellationToken cancellationToken = default) =>
        [.. (await ReadLogAsync(cancellationToken)).Where(line => line.Contains(" Violation - ", StringComparison.Ordinal))];

    /// <summary>The same without answers that came too late: the right to one goes with the time and with the connection, and here processes pause and servers die.</summary>
    public async Task<IReadOnlyList<string>> ReadViolationsButLateAnswersAsync() =>
        [.. (await ReadViolationsAsync()).Where(line => !line.Contains("Publish Violation - Subject \"_INBOX", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }

        _port.Dispose();
        _files.Dispose();
    }

    private ChildProcess Running =>
        _process is { HasExited: false } process ? process : throw new InvalidOperationException("The server is not running.");

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(_executable, ["-c", _files.Configuration, "-p", Port.ToString(CultureInfo.InvariantCulture), "-l", _files.Log]);
        start.Environment["KGENTS_NATS_STORE"] = _files.Store;
        foreach (var (name, value) in (_settings.Users?.Environment ?? new Dictionary<string, string>()).Concat(_settings.Environment))
        {
            start.Environment[name] = value;
        }

        var process = ChildProcess.Start(start);
        _process = process;
        ProcessId = process.Id;

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_settings.StartTimeout);
        try
        {
            using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
            while (!await IsReadyAsync(process, deadline.Token))
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw await FailedAsync($"did not answer within {_settings.StartTimeout}", process, cancellationToken);
        }
    }

    private async Task<bool> IsReadyAsync(ChildProcess process, CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            throw await FailedAsync($"ended with {await process.WaitForExitAsync(cancellationToken)}", process, cancellationToken);
        }

        return await NatsHandshake.IsAnsweredAsync(Port, cancellationToken);
    }

    private async Task<InvalidOperationException> FailedAsync(string what, ChildProcess process, CancellationToken cancellationToken) =>
        new($"'{_executable}' {what}.\n{process.Output.Tail()}\n{string.Join('\n', (await ReadLogAsync(cancellationToken)).TakeLast(40))}");
}
