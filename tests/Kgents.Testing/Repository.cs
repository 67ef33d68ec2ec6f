namespace Kgents.Testing;

/// <summary>The sources that these tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    private static string Find(DirectoryInfo directory) =>
        File.Exists(Path.Combine(directory.FullName, "Kgents.sln"))
            ? directory.FullName
            : Find(directory.Parent ?? throw new InvalidOperationException($"No directory above {AppContext.BaseDirectory} has Kgents.sln."));
}
