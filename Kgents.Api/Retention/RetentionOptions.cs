using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Retention;

/// <summary>When sessions are looked for that a plan keeps no longer.</summary>
public sealed class RetentionOptions
{
    public const string SectionName = "Retention";

    /// <summary>How often each replica looks: what a session may be kept longer than its plan says.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);
}

[OptionsValidator]
internal sealed partial class RetentionOptionsValidator : IValidateOptions<RetentionOptions>;
