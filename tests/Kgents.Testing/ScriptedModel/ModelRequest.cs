using System.Text.Json;

namespace Kgents.Testing;

/// <summary>One request that the scripted model has got.</summary>
public sealed class ModelRequest
{
    private readonly TaskCompletionSource _clientLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    internal ModelRequest(JsonElement json, string rawJson, string? authorization)
    {
        Json = json;
        RawJson = rawJson;
        Authorization = authorization;
        Model = Find("model")?.GetString() ?? "";
        Messages =
        [
            .. Find("system") is { } system ? [new ModelMessage("system", TextOf(system))] : Array.Empty<ModelMessage>(),
            .. Find("messages")?.EnumerateArray().Select(Parse) ?? [],
        ];
        Temperature = (Find("temperature") ?? FindOption("temperature"))?.GetDouble();
        MaxTokens = (Find("max_completion_tokens") ?? Find("max_tokens") ?? FindOption("num_predict"))?.GetInt32();
        IsStream = Find("stream")?.GetBoolean() ?? false;
        IncludesUsage = Find("stream_options") is { ValueKind: JsonValueKind.Object } options
            && options.TryGetProperty("include_usage", out var include)
            && include.ValueKind is JsonValueKind.True;
    }

    public string Model { get; }

    public IReadOnlyList<ModelMessage> Messages { get; }

    public double? Temperature { get; }

    /// <summary><c>max_completion_tokens</c>, else <c>max_tokens</c>, else Ollama's <c>num_predict</c>.</summary>
    public int? MaxTokens { get; }

    public bool IsStream { get; }

    /// <summary>True when <c>stream_options.include_usage</c> asked for the usage chunk.</summary>
    public bool IncludesUsage { get; }

    /// <summary>The whole Authorization header, else Anthropic's <c>x-api-key</c>.</summary>
    public string? Authorization { get; }

    public JsonElement Json { get; }

    public string RawJson { get; }

    /// <summary>Completes when the client closed its connection before the response was complete.</summary>
    public Task ClientLeft => _clientLeft.Task;

    internal void MarkClientLeft()
    {
        if (!Volatile.Read(ref _ended))
        {
            _clientLeft.TrySetResult();
        }
    }

    /// <summary>From here on an end of the connection is the server's doing.</summary>
    internal void MarkEnded() => Volatile.Write(ref _ended, true);

    private static ModelMessage Parse(JsonElement message) => new(
        message.GetProperty("role").GetString() ?? "",
        message.TryGetProperty("content", out var content) ? TextOf(content) : "");

    private static string TextOf(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString()!,
        JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(
            part => part.TryGetProperty("text", out var text) ? text.GetString() : "")),
        _ => "",
    };

    /// <summary>Ollama has the model's parameters in an object of their own.</summary>
    private JsonElement? FindOption(string name) =>
        Find("options") is { ValueKind: JsonValueKind.Object } options && options.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number ? value : null;

    private JsonElement? Find(string name) =>
        Json.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;
}
