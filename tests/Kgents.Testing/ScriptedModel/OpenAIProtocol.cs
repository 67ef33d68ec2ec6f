using System.Text.Json.Nodes;

namespace Kgents.Testing;

/// <summary>OpenAI's chat completions.</summary>
internal sealed class OpenAIProtocol(ModelReply reply) : ModelProtocol(reply)
{
    public override string StreamContentType => "text/event-stream";

    public override string Opening() => Frame(Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, null));

    public override string Token(string text) => Frame(Chunk(new JsonObject { ["content"] = text }, null));

    public override string Finish(string reason) => Frame(Chunk([], reason));

    public override string Usage(ModelStep.Usage usage)
    {
        if (!Reply.IncludesUsage)
        {
            return "";
        }

        var chunk = Envelope("chat.completion.chunk");
        chunk["choices"] = new JsonArray();
        chunk["usage"] = UsageOf(usage);
        return Frame(chunk);
    }

    public override string Ending() => Line("data: [DONE]");

    public override string Line(string raw) => $"{raw}\n\n";

    public override JsonObject Completion()
    {
        var completion = Envelope("chat.completion");
        completion["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = Reply.Text },
            ["finish_reason"] = Reply.FinishReason ?? "stop",
        });
        if (Reply.Usage is { } usage)
        {
            completion["usage"] = UsageOf(usage);
        }

        return completion;
    }

    public override JsonObject Error(int status) => new()
    {
        ["error"] = new JsonObject
        {
            ["message"] = $"Scripted error {status}.",
            ["type"] = status < 500 ? "invalid_request_error" : "server_error",
            ["param"] = null,
            ["code"] = null,
        },
    };

    private string Frame(JsonObject json) => Line($"data: {json.ToJsonString()}");

    private JsonObject Envelope(string kind) => new()
    {
        ["id"] = Reply.Id,
        ["object"] = kind,
        ["created"] = Reply.Created,
        ["model"] = Reply.Model,
    };

    private JsonObject Chunk(JsonObject delta, string? finishReason)
    {
        var chunk = Envelope("chat.completion.chunk");
        chunk["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["delta"] = delta,
            ["finish_reason"] = finishReason,
        });
        return chunk;
    }

    private static JsonObject UsageOf(ModelStep.Usage usage) => new()
    {
        ["prompt_tokens"] = usage.Prompt,
        ["completion_tokens"] = usage.Completion,
        ["total_tokens"] = usage.Prompt + usage.Completion,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.Cached },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.Reasoning },
    };
}
