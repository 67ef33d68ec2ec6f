using System.Text.Json;
using System.Text.Json.Nodes;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Operations.Backup;

/// <summary>
/// JetStream's own snapshots, for which NATS.Net has no call: a stream as a file of the server's, with sequences, times, headers and consumers as they are.
/// </summary>
internal sealed class SnapshotApi(INatsJSContext jetStream)
{
    private const int ChunkSize = 128 * 1024;
    private const int Done = 204;

    /// <summary>Silence of the server after which a transfer is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The same where it reads all messages first: it checks them before it answers and sends the first chunk, and reads them all again before it says that they are restored.</summary>
    private static readonly TimeSpan CheckPatience = TimeSpan.FromMinutes(30);

    private readonly INatsConnection connection = jetStream.Connection;

    /// <summary>Null when there is no such stream; else its configuration and state, and all of it in <paramref name="file"/>.</summary>
    public async Task<(JsonElement Config, JsonElement State)?> TakeAsync(string stream, Stream file, CancellationToken cancellationToken)
    {
        // Not an inbox, which is one subscription for all: the server looks for one to this very subject, and waits two seconds for it.
        var inbox = $"_SNAPSHOT.{Guid.NewGuid():n}";
        await using var chunks = await connection.SubscribeCoreAsync<byte[]>(
            inbox, serializer: NatsRawSerializer<byte[]>.Default, opts: new NatsSubOpts { StartUpTimeout = CheckPatience, IdleTimeout = Patience, ThrowIfNoResponders = true }, cancellationToken: cancellationToken);
        var request = new JsonObject { ["deliver_subject"] = inbox, ["chunk_size"] = ChunkSize, ["jsck"] = true };
        var answer = await AskAsync($"STREAM.SNAPSHOT.{stream}", request, CheckPatience, cancellationToken);
        if (ErrorOf(answer) is { } error)
        {
            return error.Code == 404 ? null : throw new OperationRefusedException($"{stream} cannot be backed up: {error.Text}");
        }

        await foreach (var chunk in chunks.Msgs.ReadAllAsync(cancellationToken))
        {
            if (chunk.Data is not { Length: > 0 } data)
            {
                return chunk.Headers is null or { Code: 0 or Done }
                    ? (answer.GetProperty("config"), answer.GetProperty("state"))
                    : throw new OperationRefusedException($"{stream} could not be backed up: {chunk.Headers.Code} {chunk.Headers.MessageText}");
            }

            await file.WriteAsync(data, cancellationToken);

            // The server sends only so much ahead of what was taken. To the last chunk of small streams it wants no answer.
            if (chunk.ReplyTo is not null)
            {
                await chunk.ReplyAsync<byte[]>([], serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
            }
        }

        throw new OperationRefusedException($"{stream} could not be backed up: the server sent nothing for {Patience}");
    }

    /// <summary>The state of the stream that the server has made of <paramref name="file"/>.</summary>
    public async Task<JsonElement> RestoreAsync(string stream, JsonNode config, JsonNode state, Stream file, CancellationToken cancellationToken)
    {
        var answer = await AskAsync($"STREAM.RESTORE.{stream}", new JsonObject { ["config"] = config, ["state"] = state }, Patience, cancellationToken);
        ThrowIfError(stream, answer);
        var deliverTo = answer.GetProperty("deliver_subject").GetString()!;
        var chunk = new byte[ChunkSize];
        while (await file.ReadAtLeastAsync(chunk, ChunkSize, throwOnEndOfStream: false, cancellationToken) is > 0 and var read)
        {
            if (await SendAsync(deliverTo, chunk[..read], Patience, cancellationToken) is { Length: > 0 } complaint)
            {
                ThrowIfError(stream, JsonElement.Parse(complaint));
            }
        }

        var restored = JsonElement.Parse(await SendAsync(deliverTo, [], CheckPatience, cancellationToken));
        ThrowIfError(stream, restored);
        return restored.GetProperty("state");
    }

    private async Task<JsonElement> AskAsync(string api, JsonObject request, TimeSpan patience, CancellationToken cancellationToken) =>
        JsonElement.Parse(await SendAsync($"{jetStream.Opts.Prefix}.{api}", JsonSerializer.SerializeToUtf8Bytes(request, JsonNodes.Default.JsonObject), patience, cancellationToken));

    private async Task<byte[]> SendAsync(string subject, byte[] payload, TimeSpan patience, CancellationToken cancellationToken)
    {
        var reply = await connection.RequestAsync<byte[], byte[]>(
            subject,
            payload,
            requestSerializer: NatsRawSerializer<byte[]>.Default,
            replySerializer: NatsRawSerializer<byte[]>.Default,
            replyOpts: new NatsSubOpts { Timeout = patience, ThrowIfNoResponders = true },
            cancellationToken: cancellationToken);
        return reply.Data ?? [];
    }

    private static void ThrowIfError(string stream, JsonElement answer)
    {
        if (ErrorOf(answer) is { } error)
        {
            throw new OperationRefusedException($"{stream} could not be restored: {error.Text}");
        }
    }

    private static (int Code, string? Text)? ErrorOf(JsonElement answer) =>
        answer.TryGetProperty("error", out var error) ? (error.GetProperty("code").GetInt32(), error.GetProperty("description").GetString()) : null;
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
internal sealed partial class JsonNodes : System.Text.Json.Serialization.JsonSerializerContext;
