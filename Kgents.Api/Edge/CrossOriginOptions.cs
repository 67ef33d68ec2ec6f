using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Edge;

/// <summary>Which web pages may call the API from a browser.</summary>
public sealed class CrossOriginOptions
{
    public const string SectionName = "Api:Cors";

    /// <summary>Origins (<c>https://app.example.com</c>) with commas between them. Without it no page of another origin may.</summary>
    [RegularExpression(@"^\s*https?://[^/,*\s]+(\s*,\s*https?://[^/,*\s]+)*\s*$", ErrorMessage = "Api:Cors:Origins must be origins without a path, such as https://app.example.com, with commas between them.")]
    public string? Origins { get; set; }

    internal string[] List => Origins?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}

[OptionsValidator]
internal sealed partial class CrossOriginOptionsValidator : IValidateOptions<CrossOriginOptions>;
