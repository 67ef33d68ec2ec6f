using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Models;

/// <summary>How the model is called. Which one it is, <c>ConnectionStrings:llm</c> says.</summary>
public sealed class ModelOptions
{
    public const string SectionName = "Model";

    /// <summary>Silence of the model after which a try is given up: before the first token another may follow, between two tokens the turn ends <c>model_unavailable</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Further tries when the model refuses before the first token; each makes the user wait longer for the error.</summary>
    [Range(0, 10)]
    public int MaxRetries { get; set; } = 2;
}

[OptionsValidator]
internal sealed partial class ModelOptionsValidator : IValidateOptions<ModelOptions>;
