using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Kgents.Operations.Backup;

/// <summary>A directory with a backup, with the beginning of one, or with the rest of one that was removed.</summary>
internal sealed record BackupDirectory(string Path, BackupManifest? Manifest)
{
    /// <summary>Before the name of one that is on its way out: it is a backup no more, whatever is left of it.</summary>
    public const string RemovedPrefix = ".removed-";

    public const string SnapshotExtension = ".snapshot";

    public string Name { get; } = System.IO.Path.GetFileName(Path);

    public bool IsBeingRemoved => Name.StartsWith(RemovedPrefix, StringComparison.Ordinal);

    public bool IsWhole => !IsBeingRemoved && Manifest is { IsWhole: true };

    public string State => this switch
    {
        { IsBeingRemoved: true } => "being removed",
        { Manifest: null } => "unfinished",
        { Manifest.IsWhole: true } => "whole",
        { Manifest.Missing: { } missing } => $"without {string.Join(", ", missing)}",
        _ => "does not say whether it is whole",
    };

    public IEnumerable<FileInfo> Files => new DirectoryInfo(Path).EnumerateFiles();

    /// <summary>Those in a directory, and so many levels below. Links are not followed, and what may not be read is passed over.</summary>
    public static async IAsyncEnumerable<BackupDirectory> ReadInAsync(string parent, int levels, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint, RecurseSubdirectories = true, MaxRecursionDepth = levels };
        foreach (var path in Directory.GetDirectories(parent, "*", options).Order(StringComparer.Ordinal))
        {
            BackupDirectory found = new(path, await ReadManifestAsync(path, cancellationToken));
            if (found.Manifest is not null || found.IsBeingRemoved || HasSnapshot(path))
            {
                yield return found;
            }
        }
    }

    private static bool HasSnapshot(string path)
    {
        try
        {
            return Directory.EnumerateFiles(path, $"*{SnapshotExtension}", new EnumerationOptions()).Any();
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody else removes what is here too.
            return false;
        }
    }

    private static async Task<BackupManifest?> ReadManifestAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(System.IO.Path.Combine(path, BackupManifest.File));
            return await JsonSerializer.DeserializeAsync(file, BackupJson.Default.BackupManifest, cancellationToken) is { Version: BackupManifest.Current } manifest ? manifest : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
