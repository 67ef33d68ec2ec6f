using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>What AGENTESE may be asked for.</summary>
public sealed class AgenteseOptions
{
    public const string SectionName = "Agentese";

    /// <summary>What each tenant has of <c>void.entropy</c> when it begins, and at most.</summary>
    [Range(1, 1_000_000)]
    public int EntropyBudget { get; set; } = 100;

    /// <summary>Paths that a composition may have; one with more is refused.</summary>
    [Range(1, 100)]
    public int MaxPaths { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class AgenteseOptionsValidator : IValidateOptions<AgenteseOptions>;
