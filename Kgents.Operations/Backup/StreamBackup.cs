using System.Security.Cryptography;
using System.Text.Json;
using Kgents.Contracts;
using NATS.Client.JetStream;

namespace Kgents.Operations.Backup;

/// <summary>All streams and buckets, with their messages, into a directory.</summary>
internal sealed class StreamBackup(INatsJSContext jetStream, TimeProvider time, TextWriter output)
{
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersDirectory = OwnersFile | UnixFileMode.UserExecute;

    /// <summary>
    /// One after the other, and services may write meanwhile, so the order matters. What lacks its end must be found and ended, and what is billed must not be lost: a ledger
    /// never covers usage that the backup does not have, and usage is never older than the turns that it is of.
    /// </summary>
    private static IEnumerable<string> Order { get; } =
    [
        .. new[] { Contracts.Streams.Ledger, Contracts.Streams.Tokens, Contracts.Streams.Messages, Contracts.Streams.Usage }
            .Concat(Contracts.Streams.All).Select(stream => stream.Name).Distinct(),
        .. Buckets.All.Select(bucket => Subjects.KeyValueStream(bucket.Name)),
    ];

    private readonly List<string> written = [];

    /// <summary>False when something is missing; the rest is backed up all the same. One that does not end leaves nothing: the next one needs the room.</summary>
    public async Task<bool> RunAsync(string directory, CancellationToken cancellationToken)
    {
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new OperationRefusedException($"{directory} is not empty: a backup is not mixed with anything");
        }

        var isNew = !Directory.Exists(directory);
        var ended = false;
        try
        {
            Create(directory);
            var isWhole = await WriteAsync(directory, cancellationToken);
            ended = true;
            return isWhole;
        }
        finally
        {
            if (!ended)
            {
                await RemoveAsync(directory, isNew);
            }
        }
    }

    private async Task<bool> WriteAsync(string directory, CancellationToken cancellationToken)
    {
        var takenAt = time.GetUtcNow();
        var api = new SnapshotApi(jetStream);
        var (streams, missing) = (new List<BackedUpStream>(), new List<string>());
        foreach (var name in Order)
        {
            if (await TakeAsync(api, directory, name, cancellationToken) is { } stream)
            {
                streams.Add(stream);
                await output.WriteLineAsync($"{name}: {stream.Messages} messages to {stream.LastSequence}");
            }
            else
            {
                missing.Add(name);
            }
        }

        if (streams.Count == 0)
        {
            throw new OperationRefusedException("There is no stream of Kgents here: nothing was backed up");
        }

        var there = await jetStream.ListStreamNamesAsync(cancellationToken: cancellationToken).ToListAsync(cancellationToken);
        var unknown = there.Where(IsOfKgents).Except(Order).ToList();
        // Named when it is whole: who is killed here leaves a rest like any other.
        var manifest = Path.Combine(directory, BackupManifest.File);
        await using (var file = CreateFile(manifest + BackupDirectory.SnapshotExtension))
        {
            await JsonSerializer.SerializeAsync(file, new BackupManifest(BackupManifest.Current, takenAt, streams, [.. missing, .. unknown]), BackupJson.Default.BackupManifest, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        File.Move(manifest + BackupDirectory.SnapshotExtension, manifest);
        written.Add(manifest);
        await output.WriteLineAsync($"{streams.Count} streams and buckets are in {directory}.");
        foreach (var name in missing)
        {
            await output.WriteLineAsync($"{name} is missing: the backup is without it.");
        }

        foreach (var name in unknown)
        {
            await output.WriteLineAsync($"{name} is not known to this version: the backup is without it. Use the version of the services.");
        }

        return missing.Count + unknown.Count == 0;
    }

    private static bool IsOfKgents(string stream) => stream.StartsWith("KGENTS_", StringComparison.Ordinal) || stream.StartsWith(Subjects.KeyValueStream("kgents_"), StringComparison.Ordinal);

    private async Task RemoveAsync(string directory, bool isNew)
    {
        try
        {
            // What says that it is whole goes first.
            written.AsEnumerable().Reverse().ToList().ForEach(File.Delete);
            if (isNew && Directory.Exists(directory))
            {
                Directory.Delete(directory);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            await output.WriteLineAsync($"{directory}, which did not end, could not be removed: {exception.Message}");
        }
    }

    /// <summary>Its owner's alone, and the one above it too where there is none: it holds conversations, and secrets of webhooks.</summary>
    private static void Create(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory)!, OwnersDirectory);
            Directory.CreateDirectory(directory, OwnersDirectory);
        }
    }

    /// <summary>Its owner's alone, whoever may look into the directory.</summary>
    private FileStream CreateFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnersFile;
        }

        var file = new FileStream(path, options);
        written.Add(path);
        return file;
    }

    private async Task<BackedUpStream?> TakeAsync(SnapshotApi api, string directory, string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, name + BackupDirectory.SnapshotExtension);
        await using var file = CreateFile(path);
        if (await api.TakeAsync(name, file, cancellationToken) is not var (config, state))
        {
            file.Close();
            File.Delete(path);
            return null;
        }

        // On the disk before it is said to be there.
        file.Flush(flushToDisk: true);
        file.Position = 0;
        var hash = await SHA256.HashDataAsync(file, cancellationToken);
        return new BackedUpStream(name, Path.GetFileName(path), Convert.ToHexStringLower(hash), config, state);
    }
}
