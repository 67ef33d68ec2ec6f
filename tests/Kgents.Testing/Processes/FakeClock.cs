using System.Globalization;

namespace Kgents.Testing;

/// <summary>
/// A clock of its own for processes that are started with <see cref="Environment"/>, and which jumps under them as a machine's clock does that is set: the time of day, not what measures
/// how much has passed. By Debian's package faketime; nats-server and the test have the machine's clock.
/// </summary>
public sealed class FakeClock : IDisposable
{
    private static readonly string? Library = Directory.Exists("/usr/lib")
        ? Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(directory => Path.Combine(directory, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    private readonly string _file = Path.GetTempFileName();

    public FakeClock() => Jump(TimeSpan.Zero);

    /// <summary>Why there can be none here; null when there can.</summary>
    public static string? Missing => Library is null ? "libfaketime is not there: apt-get install faketime" : null;

    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["LD_PRELOAD"] = Library,
        ["FAKETIME_TIMESTAMP_FILE"] = _file,
        ["FAKETIME_NO_CACHE"] = "1",
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
    };

    /// <summary>From now on the processes are ahead of the machine's clock by this, or behind it.</summary>
    public void Jump(TimeSpan ahead)
    {
        // Whole, since a process may read it at any moment.
        var next = _file + ".next";
        File.WriteAllText(next, string.Create(CultureInfo.InvariantCulture, $"{(ahead < TimeSpan.Zero ? "-" : "+")}{ahead.Duration().TotalSeconds:0}\n"));
        File.Move(next, _file, overwrite: true);
    }

    public void Dispose() => File.Delete(_file);
}
