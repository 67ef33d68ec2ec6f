using System.Text.Json.Serialization;

namespace Kgents.Flux;

/// <summary>The JSON of soul events. The kind may stand anywhere in an object.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(SoulEvent))]
internal sealed partial class SoulEventJson : JsonSerializerContext;
