using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Kgents.ServiceDefaults;

namespace Kgents.Standalone;

/// <summary>The directory <c>.kgents/</c> of a local nats-server: one process at a time has it.</summary>
internal sealed class LocalNatsDirectory : IDisposable
{
    public const string User = "kgents";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private const int MostHeard = 20;

    /// <summary>As Windows, Linux and macOS name it: the framework has no type of its own for it.</summary>
    private static readonly int[] SharingViolations = [unchecked((int)0x80070020), 11, 35];

    private readonly ConcurrentQueue<string> heard = new();
    private readonly FileStream held;
    private readonly string home;

    private LocalNatsDirectory(string root, FileStream held)
    {
        Root = root;
        home = Path.Combine(root, ".kgents");
        this.held = held;
    }

    public string Root { get; }

    public string Store => Path.Combine(home, "nats");

    public string ConfigurationFile => Path.Combine(home, "nats-server.conf");

    public string LogFile => Path.Combine(home, "nats-server.log");

    public string Password { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private string ProcessFile => Path.Combine(home, "nats-server.pid");

    public static LocalNatsDirectory Open(string path)
    {
        var root = Path.GetFullPath(path);
        var home = Directory.CreateDirectory(Path.Combine(root, ".kgents")).FullName;
        try
        {
            return new LocalNatsDirectory(root, new FileStream(Path.Combine(home, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (SharingViolations.Contains(exception.HResult))
        {
            throw new SettingException($"Another Kgents runs in {root}. Stop it, or give this one another directory: Nats:Directory (environment: Nats__Directory).", exception);
        }
    }

    /// <summary>Ends a server that an earlier process, which was killed, left behind: two servers must never share a store.</summary>
    public void EndOrphan()
    {
        if (File.Exists(ProcessFile) && int.TryParse(File.ReadAllText(ProcessFile), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            using var process = Process.GetProcesses().FirstOrDefault(candidate => candidate.Id == id && IsOurs(candidate));
            process?.Kill();
            process?.WaitForExit();
        }

        foreach (var stale in Directory.EnumerateFiles(home, "*.ports"))
        {
            File.Delete(stale);
        }
    }

    /// <summary>A number alone may be another program's by now: the command line names this directory's configuration, where it can be read.</summary>
    private bool IsOurs(Process process)
    {
        var commandLine = $"/proc/{process.Id}/cmdline";
        return File.Exists(commandLine)
            ? File.ReadAllText(commandLine).Split('\0').Contains(ConfigurationFile)
            : process.ProcessName.StartsWith("nats-server", StringComparison.Ordinal);
    }

    /// <summary>The shipped configuration, and what is of this run: a password, in a file that only its owner can read.</summary>
    public async Task WriteConfigurationAsync(string shipped, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(shipped, cancellationToken) + $$"""

            authorization { user: {{User}}, password: "{{Password}}" }
            pid_file: {{Quote(ProcessFile)}}
            log_file: {{Quote(LogFile)}}
            log_size_limit: 10MB
            ports_file_dir: {{Quote(home)}}

            """;
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var writer = new StreamWriter(ConfigurationFile, options);
        await writer.WriteAsync(text.AsMemory(), cancellationToken);
    }

    /// <summary>The server writes its ports to a file once it listens on them.</summary>
    public async Task<Uri> WaitForAddressAsync(Process process, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(PollInterval);
        while (!process.HasExited && Stopwatch.GetElapsedTime(started) < StartTimeout && await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (ReadAddress() is { } address)
            {
                return address;
            }
        }

        throw new SettingException(process.HasExited
            ? $"nats-server ended with code {process.ExitCode} when it was started: {string.Join(' ', heard)} (see also {LogFile})"
            : $"nats-server did not say within {StartTimeout.TotalSeconds} s where it listens; see {LogFile}.");
    }

    /// <summary>What the server says before it has its log file, which is why it did not start.</summary>
    public void Hear(string? line)
    {
        if (line is not null && heard.Count < MostHeard)
        {
            heard.Enqueue(line);
        }
    }

    public void Dispose()
    {
        File.Delete(ProcessFile);
        held.Dispose();
    }

    private Uri? ReadAddress()
    {
        try
        {
            return Directory.EnumerateFiles(home, "*.ports").Select(ReadAddress).FirstOrDefault();
        }
        catch (JsonException)
        {
            // Half written; read again at the next tick.
            return null;
        }
    }

    private static Uri? ReadAddress(string file)
    {
        using var ports = JsonDocument.Parse(File.ReadAllText(file));
        return ports.RootElement.TryGetProperty("nats", out var nats) && nats.GetArrayLength() > 0 ? new Uri(nats[0].GetString()!) : null;
    }

    /// <summary>nats-server knows few escapes: JSON's \u is none of them.</summary>
    private static string Quote(string path) => $"\"{path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
