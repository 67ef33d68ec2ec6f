using System.Diagnostics;

namespace Kgents.Testing;

/// <summary>A disk of some megabytes, in memory, that a test fills up for real. Only root may have one, on Linux.</summary>
public sealed class SmallDisk : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kgents-disk-");

    private SmallDisk()
    {
    }

    /// <summary>Where it is mounted.</summary>
    public string Path => _directory.FullName;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <param name="disk">Null when this machine allows none.</param>
    /// <returns>Why there is none; null when there is one.</returns>
    public static string? TryMount(int megabytes, out SmallDisk? disk)
    {
        disk = null;
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/mount"))
        {
            return "Only root on Linux, with `mount`, may mount a disk.";
        }

        var mounted = new SmallDisk();
        var (exitCode, error) = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", mounted.Path);
        if (exitCode != 0)
        {
            mounted._directory.Delete();
            return $"This machine mounts no disk: {error.Trim()}";
        }

        disk = mounted;
        return null;
    }

    /// <summary>Takes all that is free, to the last page.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(page);
            }
        }
        catch (IOException)
        {
            // The disk is full.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void MakeRoom() => File.Delete(Filler);

    public void Dispose()
    {
        if (Run("umount", "--lazy", Path).ExitCode == 0)
        {
            _directory.Delete();
        }
    }

    private static (int ExitCode, string Error) Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
