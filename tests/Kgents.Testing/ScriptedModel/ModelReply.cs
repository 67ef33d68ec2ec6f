using System.Globalization;
using System.Text;

namespace Kgents.Testing;

/// <summary>What a running script has said so far: the state that the stream and the one-piece reply share.</summary>
/// <param name="expected">The numbers that the script will report.</param>
internal sealed class ModelReply(ModelRequest request, int number, ModelStep.Usage? expected)
{
    private readonly StringBuilder _text = new();
    private ModelStep.Usage? _scripted;
    private bool _omitUsage;
    private int _tokens;

    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"chatcmpl-{number:D8}");

    public long Created { get; } = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    public string Model => request.Model;

    public bool IncludesUsage => request.IncludesUsage;

    public string Text => _text.ToString();

    public string? FinishReason { get; private set; }

    /// <summary>The script's numbers; else a token per message and per content chunk. Null when it omits them.</summary>
    public ModelStep.Usage? Usage => _omitUsage ? null : _scripted ?? Counted;

    /// <summary>For a provider that tells the input before the first token.</summary>
    public ModelStep.Usage Expected => expected ?? Counted;

    private ModelStep.Usage Counted => new(request.Messages.Count, _tokens);

    public void Say(string token)
    {
        _text.Append(token);
        _tokens++;
    }

    public void Finish(string reason) => FinishReason = reason;

    public void Report(ModelStep.Usage usage) => _scripted = usage;

    public void OmitUsage() => _omitUsage = true;
}
