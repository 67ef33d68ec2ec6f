using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Memory;

/// <summary>When a process gives memory back that it does not use.</summary>
public sealed class MemoryOptions
{
    public const string SectionName = "Memory";

    /// <summary>How long there must have been next to nothing to do. Less than 0.1 s: never.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan TrimAfter { get; set; } = TimeSpan.FromSeconds(5);
}

[OptionsValidator]
internal sealed partial class MemoryOptionsValidator : IValidateOptions<MemoryOptions>;
