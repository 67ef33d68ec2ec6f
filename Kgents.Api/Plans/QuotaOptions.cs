using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>How the tokens of a month are kept right.</summary>
public sealed class QuotaOptions
{
    public const string SectionName = "Quotas";

    /// <summary>How often what is settled in a tenant's month is compared with what was recorded: how long a fault in it can last.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan RebaseInterval { get; set; } = TimeSpan.FromHours(1);
}

[OptionsValidator]
internal sealed partial class QuotaOptionsValidator : IValidateOptions<QuotaOptions>;
