using Kgents.Contracts;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Turns a definition into a stream's configuration, and compares one with what the server has.</summary>
public static class StreamConfigs
{
    public static StreamConfig Create(StreamDefinition definition, NatsTopologyOptions options) => new(definition.Name, [definition.Subject])
    {
        Description = definition.Description,
        Retention = StreamConfigRetention.Limits,
        Storage = StreamConfigStorage.File,
        NumReplicas = options.Replicas,
        MaxAge = definition == Streams.Tokens ? options.TokensMaxAge : definition.MaxAge,
        MaxBytes = MaxBytes(definition, options) is > 0 and var bytes ? bytes : -1,
        Discard = definition.DiscardNew ? StreamConfigDiscard.New : StreamConfigDiscard.Old,
        DuplicateWindow = definition.DuplicateWindow,
        AllowDirect = true,
        DenyDelete = definition.Immutable,
        DenyPurge = definition.Immutable,
        AllowMsgCounter = definition.IsCounter,
        MaxMsgsPerSubject = definition.IsCounter ? 1 : -1,
        Republish = definition.RepublishTo is { } destination ? new Republish { Src = definition.Subject, Dest = destination } : null,
    };

    private static long MaxBytes(StreamDefinition definition, NatsTopologyOptions options) => definition switch
    {
        _ when definition == Streams.Tokens => options.TokensMaxBytes,
        _ when definition == Streams.Messages => options.MessagesMaxBytes,
        _ when definition == Streams.Usage => options.UsageMaxBytes,
        _ when definition == Streams.Ledger => options.LedgerMaxBytes,
        _ when definition == Streams.Audit => options.AuditMaxBytes,
        _ => definition.MaxBytes,
    };

    /// <summary>The fields that matter and differ. An older server drops what it does not know, so this is read back.</summary>
    public static IReadOnlyList<StreamDifference> Differences(StreamConfig expected, StreamConfig found)
    {
        (string Field, object? Expected, object? Found)[] fields =
        [
            ("subjects", string.Join(' ', expected.Subjects ?? []), string.Join(' ', found.Subjects ?? [])),
            ("retention", expected.Retention, found.Retention),
            ("storage", expected.Storage, found.Storage),
            ("num_replicas", expected.NumReplicas, found.NumReplicas),
            ("max_age", expected.MaxAge, found.MaxAge),
            ("max_bytes", expected.MaxBytes, found.MaxBytes),
            ("discard", expected.Discard, found.Discard),
            ("duplicate_window", expected.DuplicateWindow, found.DuplicateWindow),
            ("allow_direct", expected.AllowDirect, found.AllowDirect),
            ("deny_delete", expected.DenyDelete, found.DenyDelete),
            ("deny_purge", expected.DenyPurge, found.DenyPurge),
            ("allow_msg_counter", expected.AllowMsgCounter, found.AllowMsgCounter),
            ("max_msgs_per_subject", expected.MaxMsgsPerSubject, found.MaxMsgsPerSubject),
            ("republish", Describe(expected.Republish), Describe(found.Republish)),
        ];
        return [.. fields.Where(field => !Equals(field.Expected, field.Found)).Select(field => new StreamDifference(field.Field, field.Expected, field.Found))];
    }

    /// <summary>What is found, with what is expected of a bucket: the rest of it is the key-value store's own.</summary>
    public static StreamConfig Create(BucketDefinition bucket, StreamConfig found, NatsTopologyOptions options) =>
        found with { NumReplicas = options.Replicas, MaxAge = bucket.MaxAge, AllowDirect = true, MaxMsgsPerSubject = 1 };

    private static string? Describe(Republish? republish) => republish is null ? null : $"{republish.Src} > {republish.Dest}";
}
