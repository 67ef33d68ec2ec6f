using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Usage;

/// <summary>What may be asked about usage.</summary>
public sealed class UsageOptions
{
    public const string SectionName = "Usage";

    /// <summary>Rows that one answer may have, which are in memory while it is made; for more, the question is refused.</summary>
    [Range(1, 100_000)]
    public int MaxRows { get; set; } = 10_000;
}

[OptionsValidator]
internal sealed partial class UsageOptionsValidator : IValidateOptions<UsageOptions>;
