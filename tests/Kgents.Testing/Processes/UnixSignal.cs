using System.Runtime.InteropServices;

namespace Kgents.Testing;

/// <summary>Sends signals that <see cref="System.Diagnostics.Process"/> cannot: hang up, terminate, stop, continue.</summary>
internal static class UnixSignal
{
    public static int HangUp => 1;

    public static int Terminate => 15;

    public static int Stop => OperatingSystem.IsMacOS() ? 17 : 19;

    public static int Continue => OperatingSystem.IsMacOS() ? 19 : 18;

    public static void Send(int processId, int signal)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Tests send Unix signals to real processes; run them on Linux or macOS.");
        }

        if (kill(processId, signal) != 0)
        {
            throw new InvalidOperationException($"kill({processId}, {signal}) failed with errno {Marshal.GetLastPInvokeError()}.");
        }

        if (signal == Stop)
        {
            WaitUntilStopped(processId);
        }
    }

    /// <summary>The signal is sent, not yet felt: each thread stops when it is next scheduled. Without /proc there is nothing to see this by.</summary>
    private static void WaitUntilStopped(int processId)
    {
        var threads = $"/proc/{processId}/task";
        if (Directory.Exists(threads))
        {
            SpinWait.SpinUntil(() => Directory.GetDirectories(threads).All(IsStopped), TimeSpan.FromSeconds(10));
        }
    }

    private static bool IsStopped(string thread)
    {
        try
        {
            return File.ReadAllText($"{thread}/stat").Split(") ")[^1][0] == 'T';
        }
        catch (IOException)
        {
            // It has ended since it was listed.
            return true;
        }
    }

#pragma warning disable SYSLIB1054 // LibraryImport needs unsafe code in the whole project, for two ints.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int sig);
#pragma warning restore SYSLIB1054
}
