using System.Text.Json.Nodes;

namespace Kgents.Testing;

/// <summary>The JSON of OpenAI's chat completions.</summary>
internal static class ModelWire
{
    public static JsonObject RoleChunk(ModelReply reply) =>
        Chunk(reply, new JsonObject { ["role"] = "assistant", ["content"] = "" }, null);

    public static JsonObject ContentChunk(ModelReply reply, string text) =>
        Chunk(reply, new JsonObject { ["content"] = text }, null);

    public static JsonObject FinishChunk(ModelReply reply, string reason) => Chunk(reply, [], reason);

    public static JsonObject UsageChunk(ModelReply reply, ModelStep.Usage usage)
    {
        var chunk = Envelope(reply, "chat.completion.chunk");
        chunk["choices"] = new JsonArray();
        chunk["usage"] = Usage(usage);
        return chunk;
    }

    public static JsonObject Completion(ModelReply reply)
    {
        var completion = Envelope(reply, "chat.completion");
        completion["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = reply.Text },
            ["finish_reason"] = reply.FinishReason ?? "stop",
        });
        if (reply.Usage is { } usage)
        {
            completion["usage"] = Usage(usage);
        }

        return completion;
    }

    public static JsonObject Error(int status) => new()
    {
        ["error"] = new JsonObject
        {
            ["message"] = $"Scripted error {status}.",
            ["type"] = status < 500 ? "invalid_request_error" : "server_error",
            ["param"] = null,
            ["code"] = null,
        },
    };

    private static JsonObject Envelope(ModelReply reply, string kind) => new()
    {
        ["id"] = reply.Id,
        ["object"] = kind,
        ["created"] = reply.Created,
        ["model"] = reply.Model,
    };

    private static JsonObject Chunk(ModelReply reply, JsonObject delta, string? finishReason)
    {
        var chunk = Envelope(reply, "chat.completion.chunk");
        chunk["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["delta"] = delta,
            ["finish_reason"] = finishReason,
        });
        return chunk;
    }

    private static JsonObject Usage(ModelStep.Usage usage) => new()
    {
        ["prompt_tokens"] = usage.Prompt,
        ["completion_tokens"] = usage.Completion,
        ["total_tokens"] = usage.Prompt + usage.Completion,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.Cached },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.Reasoning },
    };
}
