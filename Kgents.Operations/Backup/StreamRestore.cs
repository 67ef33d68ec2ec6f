using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.JetStream;

namespace Kgents.Operations.Backup;

/// <summary>A backup, into a server that has nothing of it: ids of events are sequences, so a stream is restored as a whole or not at all.</summary>
internal sealed class StreamRestore(INatsJSContext jetStream, NatsTopologyOptions options, TextWriter output)
{
    public async Task<bool> RunAsync(string directory, CancellationToken cancellationToken)
    {
        var backup = await ReadAsync(directory, cancellationToken);
        RefuseIfTooLarge(backup);
        await RefuseIfThereAsync(backup, cancellationToken);
        var api = new SnapshotApi(jetStream);
        foreach (var stream in backup.Streams)
        {
            // Copies and limit as they are to be here, which may be another cluster, or one server: it reserves the limit, and refuses what is more than it has.
            var config = JsonNode.Parse(stream.Config.GetRawText())!;
            config["num_replicas"] = options.Replicas;
            if (LimitOf(stream.Name) is { } limit)
            {
                config["max_bytes"] = limit;
            }

            await using var file = File.OpenRead(stream.PathIn(directory));
            var state = await api.RestoreAsync(stream.Name, config, JsonNode.Parse(stream.State.GetRawText())!, file, cancellationToken);
            var (messages, last) = (state.GetProperty("messages").GetUInt64(), state.GetProperty("last_seq").GetUInt64());
            await output.WriteLineAsync($"{stream.Name}: {messages} messages to {last}");

            // Fewer may be right, where some have become too old meanwhile; another last sequence never.
            if (last != stream.LastSequence || messages > stream.Messages)
            {
                throw new OperationRefusedException($"{stream.Name} is not what was backed up: {stream.Messages} messages to {stream.LastSequence}. Delete what was restored, and look at the backup");
            }
        }

        await output.WriteLineAsync($"{backup.Streams.Count} streams and buckets are as they were at {backup.TakenAt:u}.");
        return true;
    }

    /// <summary>The manifest of a backup whose files are whole.</summary>
    private static async Task<BackupManifest> ReadAsync(string directory, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, BackupManifest.File);
        if (!File.Exists(path))
        {
            throw new OperationRefusedException($"{path} is not there: this is no backup, or one that did not end");
        }

        var backup = await ParseAsync(path, cancellationToken);
        if (backup is not { Version: BackupManifest.Current })
        {
            throw new OperationRefusedException($"{path} has version {backup?.Version}; this program reads {BackupManifest.Current}");
        }

        foreach (var stream in backup.Streams)
        {
            await using var file = File.OpenRead(stream.PathIn(directory));
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)) != stream.Sha256)
            {
                throw new OperationRefusedException($"{stream.File} has changed since it was written: nothing was restored");
            }
        }

        return backup;
    }

    private static async Task<BackupManifest?> ParseAsync(string path, CancellationToken cancellationToken)
    {
        await using var json = File.OpenRead(path);
        try
        {
            return await JsonSerializer.DeserializeAsync(json, BackupJson.Default.BackupManifest, cancellationToken);
        }
        catch (JsonException)
        {
            throw new OperationRefusedException($"{path} is damaged: this is no backup, or one that did not end");
        }
    }

    /// <summary>Null of a bucket, which has none.</summary>
    private long? LimitOf(string stream) => Contracts.Streams.All.FirstOrDefault(each => each.Name == stream) is { } definition ? StreamConfigs.Create(definition, options).MaxBytes : null;

    private void RefuseIfTooLarge(BackupManifest backup)
    {
        if (backup.Streams.FirstOrDefault(stream => LimitOf(stream.Name) is > 0 and var limit && stream.Bytes > limit) is { } tooLarge)
        {
            throw new OperationRefusedException($"Nothing was restored: {tooLarge.Name} holds {tooLarge.Bytes} bytes, and by the settings (Nats:…MaxBytes) may have {LimitOf(tooLarge.Name)}");
        }
    }

    private async Task RefuseIfThereAsync(BackupManifest backup, CancellationToken cancellationToken)
    {
        var there = await jetStream.ListStreamNamesAsync(cancellationToken: cancellationToken).ToListAsync(cancellationToken);
        if (backup.Streams.Select(stream => stream.Name).Intersect(there).ToList() is { Count: > 0 } both)
        {
            throw new OperationRefusedException($"Nothing was restored: {string.Join(", ", both)} is there already. Stop the services and delete it, or restore into an empty server");
        }
    }
}
