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

    /// <summary>False when something is missing; the rest is backed up all the same.</summary>
    public async Task<bool> RunAsync(string directory, CancellationToken cancellationToken)
    {
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new OperationRefusedException($"{directory} is not empty: a backup is not mixed with anything");
        }

        // It holds conversations, and secrets of webhooks.
        Create(directory);
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

        await using (var file = CreateFile(Path.Combine(directory, BackupManifest.File)))
        {
            await JsonSerializer.SerializeAsync(file, new BackupManifest(BackupManifest.Current, takenAt, streams), BackupJson.Default.BackupManifest, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        await output.WriteLineAsync($"{streams.Count} streams and buckets are in {directory}.");
        foreach (var name in missing)
        {
            await output.WriteLineAsync($"{name} is missing: the backup is without it.");
        }

        return missing.Count == 0;
    }

    private static void Create(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, OwnersDirectory);
        }
    }

    /// <summary>Its owner's alone, whoever may look into the directory.</summary>
    private static FileStream CreateFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnersFile;
        }

        return new FileStream(path, options);
    }

    private static async Task<BackedUpStream?> TakeAsync(SnapshotApi api, string directory, string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, $"{name}.snapshot");
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
