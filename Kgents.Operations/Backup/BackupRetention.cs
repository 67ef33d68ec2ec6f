using System.Text.Json;

namespace Kgents.Operations.Backup;

/// <summary>Backups in one directory, of which the newest stay.</summary>
internal sealed class BackupRetention(TextWriter output)
{
    /// <summary>
    /// Removes what is older than the <paramref name="keep"/> newest backups beside <paramref name="newest"/>, itself among them. One without a manifest is under way, or did not
    /// end, or is none: it is neither counted nor touched, and of the others nothing but what their manifest names.
    /// </summary>
    public async Task RemoveOldAsync(string newest, int keep, CancellationToken cancellationToken)
    {
        var backups = new List<(string Directory, BackupManifest Manifest)>();
        foreach (var directory in Directory.EnumerateDirectories(Directory.GetParent(Path.GetFullPath(newest))!.FullName))
        {
            if (await ReadAsync(directory, cancellationToken) is { } manifest)
            {
                backups.Add((directory, manifest));
            }
        }

        foreach (var (directory, manifest) in backups.OrderByDescending(backup => backup.Manifest.TakenAt).Skip(keep))
        {
            // First, so that one that is cut off here is not taken for a whole one.
            File.Delete(Path.Combine(directory, BackupManifest.File));
            foreach (var stream in manifest.Streams)
            {
                File.Delete(stream.PathIn(directory));
            }

            Directory.Delete(directory);
            await output.WriteLineAsync($"{directory}, of {manifest.TakenAt:u}, was removed.");
        }
    }

    private static async Task<BackupManifest?> ReadAsync(string directory, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(Path.Combine(directory, BackupManifest.File));
            return await JsonSerializer.DeserializeAsync(file, BackupJson.Default.BackupManifest, cancellationToken) is { Version: BackupManifest.Current } manifest ? manifest : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
