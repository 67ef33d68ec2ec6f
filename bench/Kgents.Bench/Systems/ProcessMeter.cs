using System.Diagnostics;

namespace Kgents.Bench.Systems;

/// <summary>What the operating system says that a process has used.</summary>
internal static class ProcessMeter
{
    public static TimeSpan Cpu(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime;
    }

    /// <summary>Resident memory in bytes.</summary>
    public static long Memory(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.WorkingSet64;
    }
}
