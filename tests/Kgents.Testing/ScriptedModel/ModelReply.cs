using System.Globalization;
using System.Text;

namespace Kgents.Testing;

/// <summary>What a running script has said so far: the state that the stream and the one-piece reply share.</summary>
internal sealed class ModelReply(ModelRequest request, int number)
{
    private readonly StringBuilder _text = new();
    private ModelStep.Usage? _scripted;
    private bool _omitUsage;
    private int _tokens;

    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"chatcmpl-{number:D8}");

    public long Created { get; } = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    public string Model => request.Model;

    public string Text => _text.ToString();

    public string? FinishReason { get; private set; }

    /// <summary>The script's numbers; else a token per message and per content chunk. Null when it omits them.</summary>
    public ModelStep.Usage? Usage =>
        _omitUsage ? null : _scripted ?? new ModelStep.Usage(request.Messages.Count, _tokens);

    public void Say(string token)
    {
        _text.Append(token);
        _tokens++;
    }

    public void Finish(string reason) => FinishReason = reason;

    public void Report(ModelStep.Usage usage) => _scripted = usage;

    public void OmitUsage() => _omitUsage = true;
}
