using System.Text.Json.Serialization;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>A batch direct get (nats-server 2.11, ADR-31), for which NATS.Net has no call yet: from a sequence or from a time.</summary>
internal sealed record BatchGetRequest(
    [property: JsonPropertyName("seq")] ulong? Sequence,
    [property: JsonPropertyName("start_time")] DateTimeOffset? Since,
    [property: JsonPropertyName("next_by_subj")] string Subject,
    [property: JsonPropertyName("batch")] int Batch);

/// <summary>The last message of each of these subjects.</summary>
internal sealed record LastOfEachRequest([property: JsonPropertyName("multi_last")] IReadOnlyList<string> Subjects);

/// <summary>One message from a stream's leader: the first of a subject from a sequence, or the last of a subject.</summary>
internal sealed record MessageGetRequest(
    [property: JsonPropertyName("seq")] ulong? Sequence,
    [property: JsonPropertyName("next_by_subj")] string? Next,
    [property: JsonPropertyName("last_by_subj")] string? Last);

/// <summary>What the leader answers: a message or an error.</summary>
internal sealed record MessageGetReply(ApiError? Error, LeaderMessage? Message);

/// <summary>A message as the leader tells it; its headers are as they were sent.</summary>
internal sealed record LeaderMessage(
    string Subject,
    [property: JsonPropertyName("seq")] ulong Sequence,
    [property: JsonPropertyName("hdrs")] byte[]? Headers,
    byte[]? Data,
    DateTimeOffset Time);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BatchGetRequest))]
[JsonSerializable(typeof(LastOfEachRequest))]
[JsonSerializable(typeof(MessageGetRequest))]
[JsonSerializable(typeof(MessageGetReply))]
internal sealed partial class ReaderJson : JsonSerializerContext;
