using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kgents.Flux;

/// <summary>Something that happens to a soul, or that it answers with. The hierarchy is closed. In JSON the kind is <c>type</c>; one without a kind or a time is refused.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(DialogueStart), "dialogue_start")]
[JsonDerivedType(typeof(DialogueTurn), "dialogue_turn")]
[JsonDerivedType(typeof(DialogueEnd), "dialogue_end")]
[JsonDerivedType(typeof(ModeChange), "mode_change")]
[JsonDerivedType(typeof(InterceptRequest), "intercept_request")]
[JsonDerivedType(typeof(InterceptResult), "intercept_result")]
[JsonDerivedType(typeof(EigenvectorProbe), "eigenvector_probe")]
[JsonDerivedType(typeof(Pulse), "pulse")]
[JsonDerivedType(typeof(StateSnapshot), "state_snapshot")]
[JsonDerivedType(typeof(SoulError), "error")]
[JsonDerivedType(typeof(Ping), "ping")]
[JsonDerivedType(typeof(Thought), "thought")]
[JsonDerivedType(typeof(Feeling), "feeling")]
[JsonDerivedType(typeof(Observation), "observation")]
[JsonDerivedType(typeof(SelfChallenge), "self_challenge")]
[JsonDerivedType(typeof(Perturbation), "perturbation")]
[JsonDerivedType(typeof(Gratitude), "gratitude")]
[JsonDerivedType(typeof(DreamStart), "dream_start")]
[JsonDerivedType(typeof(DreamPattern), "dream_pattern")]
[JsonDerivedType(typeof(DreamInsight), "dream_insight")]
[JsonDerivedType(typeof(DreamEnd), "dream_end")]
public abstract record SoulEvent
{
    private protected SoulEvent()
    {
    }

    /// <summary>When it happened, in UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The same in an answer as in what it answers.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>How the soul was when it answered.</summary>
    public SoulState? SoulState { get; init; }

    /// <summary>Its <c>type</c> in JSON.</summary>
    [JsonIgnore]
    public string Kind => this is SoulError ? "error" : JsonNamingPolicy.SnakeCaseLower.ConvertName(GetType().Name);

    [JsonIgnore]
    public bool IsDialogue => this is DialogueStart or DialogueTurn or DialogueEnd or ModeChange;

    [JsonIgnore]
    public bool IsIntercept => this is InterceptRequest or InterceptResult;

    [JsonIgnore]
    public bool IsSystem => this is Pulse or Ping or StateSnapshot;

    /// <summary>It asks for an answer.</summary>
    [JsonIgnore]
    public bool IsRequest => this is DialogueTurn { Reply: null } or InterceptRequest or EigenvectorProbe { Eigenvectors: null } or ModeChange or Ping;

    /// <summary>Part of the soul's own life.</summary>
    [JsonIgnore]
    public bool IsAmbient => this is Thought or Feeling or Observation or SelfChallenge or Gratitude;

    /// <summary>It comes from outside of the soul.</summary>
    [JsonIgnore]
    public bool IsExternal => this is Perturbation or DialogueStart or DialogueTurn { Reply: null } or InterceptRequest;

    [JsonIgnore]
    public bool IsDream => this is DreamStart or DreamPattern or DreamInsight or DreamEnd;

    /// <exception cref="JsonException">It is not a soul event.</exception>
    public static SoulEvent Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SoulEventJson.Default.SoulEvent) ?? throw new JsonException("This is not a soul event.");
        }
        catch (NotSupportedException exception)
        {
            // How the serializer says that there is no type.
            throw new JsonException("This is not a soul event: it has no type.", exception);
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, SoulEventJson.Default.SoulEvent);
}
