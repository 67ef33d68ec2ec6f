namespace Kgents.Operations.Backup;

/// <summary>Which backups there are: where, of when, whether they are whole, and how large.</summary>
internal sealed class BackupList(TextWriter output)
{
    /// <summary>False when there is none.</summary>
    public async Task<bool> RunAsync(string directory, CancellationToken cancellationToken)
    {
        // Those of every night are a level below.
        var backups = await BackupDirectory.ReadInAsync(directory, 1, cancellationToken).OrderBy(backup => backup.Manifest?.TakenAt).ToListAsync(cancellationToken);
        foreach (var backup in backups)
        {
            await output.WriteLineAsync($"{backup.Path}: {(backup.Manifest is { } manifest ? $"{manifest.TakenAt:u}, " : "")}{backup.State}, {backup.Files.Sum(file => file.Length)} bytes");
        }

        if (backups.Count == 0)
        {
            await output.WriteLineAsync($"There is no backup in {directory}.");
        }

        return backups.Count > 0;
    }
}
