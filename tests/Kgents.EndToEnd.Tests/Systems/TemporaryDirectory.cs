namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>A directory that is gone after the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private TemporaryDirectory(DirectoryInfo directory) => Path = directory.FullName;

    public string Path { get; }

    public static TemporaryDirectory Create() => new(Directory.CreateTempSubdirectory("kgents-e2e-"));

    /// <summary>Inside another directory, which is created if it is not there.</summary>
    public static TemporaryDirectory CreateIn(string parent) =>
        new(Directory.CreateDirectory(System.IO.Path.Combine(parent, Guid.NewGuid().ToString("n"))));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
