using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Models;

/// <summary>How the model is called. Which one it is, <c>ConnectionStrings:llm</c> says.</summary>
public sealed class ModelOptions
{
    public const string SectionName = "Model";

    /// <summary>What Anthropic is asked for when <see cref="MaxOutputTokens"/> is not set: its protocol wants a number.</summary>
    public const int AnthropicMaxOutputTokens = 8192;

    /// <summary>More than any model makes in one call, thinking included.</summary>
    public const int MostOutputTokens = 131_072;

    /// <summary>Silence of the model after which a try is given up: before the first token another may follow, after it the turn ends <c>model_stalled</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Further tries when the model fails before the first token; each makes the user wait longer for the error.</summary>
    [Range(0, 10)]
    public int MaxRetries { get; set; } = 2;

    /// <summary>The longest pause before a further try. A provider that asks for a longer one is not tried again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The longest answer in tokens, thinking included, that a model is asked for. Not set, the provider decides.</summary>
    [Range(1, MostOutputTokens)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>Whether a model is told the temperature of the mode; some that think refuse one. Anthropic's are never told.</summary>
    public bool SendTemperature { get; set; } = true;

    /// <summary>Models, besides that of the connection string, that a session or a message may ask for, with commas between them. The API checks by the same setting.</summary>
    [StringLength(4000)]
    public string Allowed { get; set; } = "";
}

[OptionsValidator]
internal sealed partial class ModelOptionsValidator : IValidateOptions<ModelOptions>;
