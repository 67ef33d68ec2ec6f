using System.Globalization;

namespace Kgents.Testing;

/// <summary>A temporary directory in the machine's memory, for files that need not outlive it.</summary>
internal static class MemoryDirectory
{
    private const string Root = "/dev/shm";

    /// <summary>Far above what all tests that run at once store; a container has 64 MB unless it is told otherwise.</summary>
    private const long LeastRoom = 2L << 30;

    private const string Prefix = "kgents-nats-";

    /// <summary>What processes have left that were killed, since it is memory.</summary>
    private static readonly Lazy<bool> Usable = new(() =>
    {
        if (!Directory.Exists(Root))
        {
            return false;
        }

        foreach (var left in new DirectoryInfo(Root).EnumerateDirectories($"{Prefix}*").Where(directory => OwnerOf(directory) is { } owner && !Directory.Exists($"/proc/{owner}")))
        {
            try
            {
                left.Delete(recursive: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another process removes it too, or it is somebody else's: it takes room, and does no harm.
            }
        }

        return true;
    });

    /// <summary>Null where there is none, or little room in it.</summary>
    public static DirectoryInfo? TryCreate() =>
        Usable.Value && new DriveInfo(Root).AvailableFreeSpace >= LeastRoom
            ? Directory.CreateDirectory(Path.Combine(Root, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():n}"))
            : null;

    private static int? OwnerOf(DirectoryInfo directory) => int.TryParse(directory.Name[Prefix.Length..].Split('-')[0], CultureInfo.InvariantCulture, out var id) ? id : null;
}
