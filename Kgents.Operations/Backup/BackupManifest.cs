using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kgents.Operations.Backup;

/// <summary>A stream in a backup. Its configuration and state are the server's own words, so that nothing of them is lost that this version does not know.</summary>
/// <param name="Sha256">Of the file with the messages, in hexadecimal.</param>
internal sealed record BackedUpStream(string Name, string File, string Sha256, JsonElement Config, JsonElement State)
{
    /// <summary>Beside the manifest, whatever else it says.</summary>
    public string PathIn(string directory) => Path.Combine(directory, Path.GetFileName(File));

    public ulong Messages => State.GetProperty("messages").GetUInt64();

    public ulong LastSequence => State.GetProperty("last_seq").GetUInt64();

    public long Bytes => State.GetProperty("bytes").GetInt64();
}

/// <summary>What a backup holds. It is written last: a directory without it is no backup that ended.</summary>
/// <param name="Missing">What it should hold and does not; null where a version wrote it that did not say so.</param>
internal sealed record BackupManifest(int Version, DateTimeOffset TakenAt, IReadOnlyList<BackedUpStream> Streams, IReadOnlyList<string>? Missing = null)
{
    public const string File = "backup.json";
    public const int Current = 1;

    [JsonIgnore]
    public bool IsWhole => Missing is { Count: 0 };
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
