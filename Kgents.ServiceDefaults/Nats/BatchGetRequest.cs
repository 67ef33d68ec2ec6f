using System.Text.Json.Serialization;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>A batch direct get (nats-server 2.11, ADR-31), for which NATS.Net has no call yet.</summary>
internal sealed record BatchGetRequest(
    [property: JsonPropertyName("seq")] ulong Sequence,
    [property: JsonPropertyName("next_by_subj")] string Subject,
    [property: JsonPropertyName("batch")] int Batch);

/// <summary>The last message of each of these subjects.</summary>
internal sealed record LastOfEachRequest([property: JsonPropertyName("multi_last")] IReadOnlyList<string> Subjects);

[JsonSerializable(typeof(BatchGetRequest))]
[JsonSerializable(typeof(LastOfEachRequest))]
internal sealed partial class BatchGetJson : JsonSerializerContext;
