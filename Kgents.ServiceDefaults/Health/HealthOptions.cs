using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Health;

/// <summary>Who is told what is wrong.</summary>
public sealed class HealthOptions
{
    public const string SectionName = "Health";

    /// <summary>Who sends it as a bearer token to <c>/health</c> is told what each check found; without it, or with an empty one, nobody is outside of development.</summary>
    [MinLength(24)]
    public string? Key { get; set => field = string.IsNullOrEmpty(value) ? null : value; }

    /// <summary>How full a stream may be that refuses what has no room, in percent of its limit, before the service is degraded.</summary>
    [Range(1, 100)]
    public int StreamFullAt { get; set; } = 80;

    /// <summary>How many messages may wait for a worker before the service is degraded.</summary>
    [Range(1, int.MaxValue)]
    public int QueuedAt { get; set; } = 1000;
}

[OptionsValidator]
internal sealed partial class HealthOptionsValidator : IValidateOptions<HealthOptions>;
