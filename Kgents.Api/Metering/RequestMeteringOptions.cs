using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Metering;

/// <summary>How requests are recorded as usage.</summary>
public sealed class RequestMeteringOptions
{
    public const string SectionName = "Usage:Requests";

    /// <summary>Whether requests are usage. Without it only turns are.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How long requests of one key and operation are counted together before they are recorded: what a replica that dies has not recorded, and nobody is charged for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Counts that may wait in memory, of a key and an operation each. Beyond it, which takes as many keys and operations while NATS refuses them, requests are not counted.</summary>
    [Range(1, 1_000_000)]
    public int MaxCounts { get; set; } = 20_000;
}

[OptionsValidator]
internal sealed partial class RequestMeteringOptionsValidator : IValidateOptions<RequestMeteringOptions>;
