namespace Kgents.Operations.Backup;

/// <summary>
/// Backups in one directory, of which the newest stay. It removes nothing but what a backup has written, and none that is not whole: somebody may need what that has. What cannot be
/// removed is said, and is no failure of the backup that is made.
/// </summary>
internal sealed class BackupRetention(TimeProvider time, TextWriter output)
{
    /// <summary>Since when nothing was written where nobody is writing any more: longer than a nightly backup may take, and than the server may be silent in it.</summary>
    internal static readonly TimeSpan Silence = TimeSpan.FromHours(6);

    /// <summary>Before there is the next one, which needs the room: what was left in <paramref name="parent"/> by runs that were cut off, while they wrote or while they removed.</summary>
    public async Task RemoveRestsAsync(string parent, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(parent))
        {
            return;
        }

        await foreach (var rest in BackupDirectory.ReadInAsync(parent, 0, cancellationToken))
        {
            await TryAsync(rest.Path, () => (rest.IsBeingRemoved || IsGivenUp(rest)) && Remove(rest), $"{rest.Path}, which did not end, was removed.");
        }
    }

    /// <summary>Removes the whole backups beside <paramref name="newest"/>, but for so many that <paramref name="keep"/> of them are left, itself among them.</summary>
    public async Task RemoveOldAsync(string newest, int keep, CancellationToken cancellationToken)
    {
        var others = await BackupDirectory.ReadInAsync(Path.GetDirectoryName(newest)!, 0, cancellationToken)
            .Where(backup => backup.IsWhole && backup.Name != Path.GetFileName(newest)).ToListAsync(cancellationToken);
        foreach (var old in others.OrderByDescending(backup => backup.Manifest!.TakenAt).Skip(keep - 1))
        {
            await TryAsync(
                old.Path,
                () =>
                {
                    // First, so that one that is cut off here is not taken for a backup, and the next run goes on.
                    var path = Path.Combine(Path.GetDirectoryName(newest)!, BackupDirectory.RemovedPrefix + old.Name);
                    Directory.Move(old.Path, path);
                    return Remove(old with { Path = path });
                },
                $"{old.Path}, of {old.Manifest!.TakenAt:u}, was removed.");
        }
    }

    private bool IsGivenUp(BackupDirectory backup)
    {
        var now = time.GetUtcNow();
        return backup.Manifest is null && Directory.EnumerateFileSystemEntries(backup.Path).All(entry =>
            entry.EndsWith(BackupDirectory.SnapshotExtension, StringComparison.Ordinal) && now - new FileInfo(entry).LastWriteTimeUtc > Silence);
    }

    /// <param name="remove">False when it is to stay.</param>
    private async Task TryAsync(string directory, Func<bool> remove, string done)
    {
        try
        {
            if (remove())
            {
                await output.WriteLineAsync(done);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            await output.WriteLineAsync($"{directory} could not be removed: {exception.Message}");
        }
    }

    private static bool Remove(BackupDirectory backup)
    {
        var snapshots = backup.Manifest?.Streams.Select(stream => stream.PathIn(backup.Path)) ?? Directory.EnumerateFiles(backup.Path, $"*{BackupDirectory.SnapshotExtension}");
        foreach (var snapshot in snapshots.ToList())
        {
            File.Delete(snapshot);
        }

        // Last, since it names the others.
        File.Delete(Path.Combine(backup.Path, BackupManifest.File));
        Directory.Delete(backup.Path);
        return true;
    }
}
