using System.ComponentModel;
using System.Diagnostics;
using Kgents.ServiceDefaults;

namespace Kgents.Standalone;

/// <summary>A nats-server of one's own, on a free port of this machine, with its streams in <c>.kgents/nats</c>. It ends with the process.</summary>
internal sealed partial class LocalNats(LocalNatsDirectory directory, LocalNatsOptions options, Process process, Uri address) : IAsyncDisposable
{
    private const string SetSid = "/usr/bin/setsid";
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);
    private volatile bool stopping;

    /// <summary>Null when a connection string says where NATS is. Otherwise starts a server and puts its address in that place.</summary>
    public static async Task<LocalNats?> StartUnlessConnectedAsync(WebApplicationBuilder builder)
    {
        if (!string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString("nats")))
        {
            return null;
        }

        var options = builder.Configuration.GetSection(LocalNatsOptions.SectionName).Get<LocalNatsOptions>() ?? new LocalNatsOptions();
        var nats = await StartAsync(options, Path.Combine(AppContext.BaseDirectory, "nats.conf"), CancellationToken.None);
        builder.Configuration["ConnectionStrings:nats"] = nats.ConnectionString;
        return nats;
    }

    /// <summary>With the password of this run: never logged.</summary>
    public string ConnectionString => $"nats://{LocalNatsDirectory.User}:{directory.Password}@{address.Authority}";

    internal int ProcessId => process.Id;

    /// <summary>Ends the application if the server ends before it.</summary>
    public void StopWith(WebApplication app)
    {
        process.Exited += (_, _) =>
        {
            if (!stopping && !app.Lifetime.ApplicationStopping.IsCancellationRequested)
            {
                LogExited(app.Logger, directory.LogFile);
                Environment.ExitCode = 1;
                app.Lifetime.StopApplication();
            }
        };
        process.EnableRaisingEvents = true;
        LogStarted(app.Logger, address.Authority, directory.Store);
    }

    public async ValueTask DisposeAsync()
    {
        stopping = true;
        if (!process.HasExited)
        {
            // The server's own way to be told, the same on every system.
            using var signal = Process.Start(options.Path, ["--signal", $"quit={process.Id}"]);
            using var timeout = new CancellationTokenSource(StopTimeout);
            await process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            process.Kill();
        }

        process.Dispose();
        directory.Dispose();
    }

    internal static async Task<LocalNats> StartAsync(LocalNatsOptions options, string shippedConfiguration, CancellationToken cancellationToken)
    {
        try
        {
            return await StartAsync(options, LocalNatsDirectory.Open(options.Directory), shippedConfiguration, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(
                $"{Path.GetFullPath(options.Directory)} cannot hold what Kgents keeps: {exception.Message} Mend that, or give it another directory: Nats:Directory (environment: Nats__Directory).", exception);
        }
    }

    private static async Task<LocalNats> StartAsync(LocalNatsOptions options, LocalNatsDirectory directory, string shippedConfiguration, CancellationToken cancellationToken)
    {
        try
        {
            directory.EndOrphan();
            await directory.WriteConfigurationAsync(shippedConfiguration, cancellationToken);
            var process = Launch(options, directory);
            try
            {
                return new LocalNats(directory, options, process, await directory.WaitForAddressAsync(process, cancellationToken));
            }
            catch
            {
                process.Kill();
                process.Dispose();
                throw;
            }
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    private static Process Launch(LocalNatsOptions options, LocalNatsDirectory directory)
    {
        string[] arguments = ["-c", directory.ConfigurationFile, "--port", "-1", "--http_port", "-1"];
        try
        {
            var process = Process.Start(OwnSession(options.Path, arguments, directory.Root))!;
            process.ErrorDataReceived += (_, line) => directory.Hear(line.Data);
            process.BeginErrorReadLine();
            process.BeginOutputReadLine();
            return process;
        }
        catch (Win32Exception exception)
        {
            throw new SettingException(
                $"nats-server could not be started as '{options.Path}'. Install nats-server 2.12 or newer, or run ./dev run, which fetches it; or name it in Nats:Path, or another server in ConnectionStrings:nats.", exception);
        }
    }

    /// <summary>Ctrl+C goes to all processes of a terminal's session: the server must outlive the services, which end their turns first.</summary>
    private static ProcessStartInfo OwnSession(string program, string[] arguments, string workingDirectory)
    {
        var start = File.Exists(SetSid) ? new ProcessStartInfo(SetSid, [program, .. arguments]) : new ProcessStartInfo(program, arguments);
        start.WorkingDirectory = workingDirectory;
        start.UseShellExecute = false;
        // Its own pipes: a server that outlives a killed Kgents must not hold the terminal's.
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return start;
    }

    [LoggerMessage(LogLevel.Information, "Started nats-server at {Address}; everything is kept in {Store}.")]
    private static partial void LogStarted(ILogger logger, string address, string store);

    [LoggerMessage(LogLevel.Critical, "nats-server ended; see {LogFile}.")]
    private static partial void LogExited(ILogger logger, string logFile);
}
