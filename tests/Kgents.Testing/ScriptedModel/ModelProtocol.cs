using System.Text.Json.Nodes;

namespace Kgents.Testing;

/// <summary>How a provider says what a script makes of a reply. Each text is sent as it is.</summary>
internal abstract class ModelProtocol(ModelReply reply)
{
    protected ModelReply Reply => reply;

    public abstract string StreamContentType { get; }

    /// <summary>What comes before the first step that says something.</summary>
    public abstract string Opening();

    public abstract string Token(string text);

    public abstract string Finish(string reason);

    /// <summary>The counts, after the finish; empty for a provider that tells them in it.</summary>
    public abstract string Usage(ModelStep.Usage usage);

    /// <summary>The last that is sent.</summary>
    public abstract string Ending();

    /// <summary>A line of no sense, framed as the others are.</summary>
    public abstract string Line(string raw);

    public abstract JsonObject Completion();

    public abstract JsonObject Error(int status);

    /// <summary>The protocol of a path; null for a path that no provider has.</summary>
    public static Func<ModelReply, ModelProtocol>? Find(string path) => path switch
    {
        "/v1/chat/completions" => reply => new OpenAIProtocol(reply),
        "/v1/messages" => reply => new AnthropicProtocol(reply),
        "/api/chat" => reply => new OllamaProtocol(reply),
        _ => null,
    };
}
