using System.Text.Json.Nodes;

namespace Kgents.Testing;

/// <summary>Anthropic's messages: counts are cumulative, told at the beginning and again at the end, and cached input is not within input.</summary>
internal sealed class AnthropicProtocol(ModelReply reply) : ModelProtocol(reply)
{
    public override string StreamContentType => "text/event-stream; charset=utf-8";

    public override string Opening() => string.Concat(
        Frame("message_start", new JsonObject { ["message"] = Message([], null, UsageOf(Reply.Expected, output: 1)) }),
        Frame("content_block_start", new JsonObject { ["index"] = 0, ["content_block"] = new JsonObject { ["type"] = "text", ["text"] = "" } }),
        Frame("ping", []));

    public override string Token(string text) =>
        Frame("content_block_delta", new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = text } });

    public override string Finish(string reason) =>
        Frame("content_block_stop", new JsonObject { ["index"] = 0 }) + Delta(ReasonOf(reason), Reply.Usage ?? Reply.Expected);

    public override string Usage(ModelStep.Usage usage) => "";

    public override string Ending() => Frame("message_stop", []);

    public override string Line(string raw) => $"{raw}\n\n";

    public override JsonObject Completion() =>
        Message(new JsonArray(new JsonObject { ["type"] = "text", ["text"] = Reply.Text }), ReasonOf(Reply.FinishReason ?? "stop"), UsageOf(Reply.Usage ?? Reply.Expected, null));

    public override JsonObject Error(int status) => new()
    {
        ["type"] = "error",
        ["error"] = new JsonObject { ["type"] = status == 529 ? "overloaded_error" : "api_error", ["message"] = $"Scripted error {status}." },
    };

    private static string ReasonOf(string reason) => reason == "length" ? "max_tokens" : "end_turn";

    private static string Delta(string reason, ModelStep.Usage usage) => Frame("message_delta", new JsonObject
    {
        ["delta"] = new JsonObject { ["stop_reason"] = reason, ["stop_sequence"] = null },
        ["usage"] = UsageOf(usage, null),
    });

    private static string Frame(string kind, JsonObject json)
    {
        json.Insert(0, "type", kind);
        return $"event: {kind}\ndata: {json.ToJsonString()}\n\n";
    }

    private JsonObject Message(JsonArray content, string? reason, JsonObject usage) => new()
    {
        ["id"] = Reply.Id,
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = Reply.Model,
        ["content"] = content,
        ["stop_reason"] = reason,
        ["stop_sequence"] = null,
        ["usage"] = usage,
    };

    private static JsonObject UsageOf(ModelStep.Usage usage, int? output) => new()
    {
        ["input_tokens"] = usage.Prompt - usage.Cached - usage.CacheWrite,
        ["cache_creation_input_tokens"] = usage.CacheWrite,
        ["cache_read_input_tokens"] = usage.Cached,
        ["output_tokens"] = output ?? usage.Completion,
    };
}
