using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Kgents.Testing;

namespace Kgents.Bench.Report;

/// <summary>Where and of what a run was.</summary>
internal sealed record Machine(int Cores, string Cpu, double MemoryGb, string Kernel, string Dotnet, string NatsServer, string Commit, string Date)
{
    public static async Task<Machine> DescribeAsync(CancellationToken cancellationToken) => new(
        Environment.ProcessorCount,
        Cpuinfo(),
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        await AskAsync(Environment.GetEnvironmentVariable("KGENTS_NATS_SERVER") is { Length: > 0 } nats ? nats : "nats-server", ["--version"], cancellationToken),
        await AskAsync("git", ["-C", Repository.Root, "describe", "--always", "--dirty", "--exclude", "*"], cancellationToken),
        TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));

    public override string ToString() => $"{Cores} cores, {Cpu}, {MemoryGb} GB, {Kernel}, {Dotnet}, {NatsServer}, commit {Commit}, {Date}";

    private static string Cpuinfo() =>
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "unknown"
            : RuntimeInformation.ProcessArchitecture.ToString();

    private static async Task<string> AskAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var answer = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? answer.Trim() : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
