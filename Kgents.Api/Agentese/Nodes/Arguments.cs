using System.Text.Json;
using Kgents.Api.Requests;
using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>The values of an invocation, each of the kind that its parameter asks for.</summary>
internal sealed record Arguments(IReadOnlyDictionary<string, object> Values)
{
    public static Arguments None { get; } = new(new Dictionary<string, object>());

    /// <summary>What is worked on, as text; of an answer that has a text, that.</summary>
    public string? Input => Values.GetValueOrDefault(Parameter.InputName) is JsonElement input ? TextOf(input) : null;

    public JsonElement? InputJson => Values.GetValueOrDefault(Parameter.InputName) as JsonElement?;

    public SessionId? Session => Values.GetValueOrDefault("session_id") as SessionId?;

    public TurnId? Turn => Values.GetValueOrDefault("turn_id") as TurnId?;

    public Paging Page => new(Values.GetValueOrDefault("limit") is int limit ? limit : Paging.Default, Values.GetValueOrDefault("cursor") is ulong cursor ? cursor : 0);

    public T? Find<T>(string name)
        where T : struct => Values.GetValueOrDefault(name) as T?;

    public string? Text(string name) => Values.GetValueOrDefault(name) as string;

    public Arguments With(string name, object value) => new(new Dictionary<string, object>(Values) { [name] = value });

    public static string TextOf(JsonElement input) =>
        input.ValueKind == JsonValueKind.String ? input.GetString()!
        : input.ValueKind == JsonValueKind.Object && input.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()!
        : input.GetRawText();
}
