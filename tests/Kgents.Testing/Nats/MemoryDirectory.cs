namespace Kgents.Testing;

/// <summary>A temporary directory in the machine's memory, for files that need not outlive it.</summary>
internal static class MemoryDirectory
{
    private const string Root = "/dev/shm";

    /// <summary>Far above what all tests that run at once store; a container has 64 MB unless it is told otherwise.</summary>
    private const long LeastRoom = 2L << 30;

    /// <summary>Null where there is none, or little room in it.</summary>
    public static DirectoryInfo? TryCreate() =>
        Directory.Exists(Root) && new DriveInfo(Root).AvailableFreeSpace >= LeastRoom
            ? Directory.CreateDirectory(Path.Combine(Root, $"kgents-nats-{Guid.NewGuid():n}"))
            : null;
}
