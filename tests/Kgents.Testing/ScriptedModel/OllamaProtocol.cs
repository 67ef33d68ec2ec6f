using System.Globalization;
using System.Text.Json.Nodes;

namespace Kgents.Testing;

/// <summary>Ollama's chat: a line of JSON for each token, the counts in the last one.</summary>
internal sealed class OllamaProtocol(ModelReply reply) : ModelProtocol(reply)
{
    public override string StreamContentType => "application/x-ndjson";

    public override string Opening() => "";

    public override string Token(string text) => Line(Part(text, isDone: false).ToJsonString());

    public override string Finish(string reason) => Line(Done("", reason).ToJsonString());

    public override string Usage(ModelStep.Usage usage) => "";

    public override string Ending() => "";

    public override string Line(string raw) => $"{raw}\n";

    public override JsonObject Completion() => Done(Reply.Text, Reply.FinishReason ?? "stop");

    public override JsonObject Error(int status) => new() { ["error"] = $"Scripted error {status}." };

    private JsonObject Done(string text, string reason)
    {
        var done = Part(text, isDone: true);
        done["done_reason"] = reason;
        done["total_duration"] = 5_000_000;
        if (Reply.Usage is { } usage)
        {
            done["prompt_eval_count"] = usage.Prompt;
            done["eval_count"] = usage.Completion;
        }

        return done;
    }

    private JsonObject Part(string text, bool isDone) => new()
    {
        ["model"] = Reply.Model,
        ["created_at"] = DateTimeOffset.FromUnixTimeSeconds(Reply.Created).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
        ["done"] = isDone,
    };
}
