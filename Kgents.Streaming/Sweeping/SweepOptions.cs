using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>How turns are found that were left unfinished and that no worker is brought any more.</summary>
public sealed class SweepOptions
{
    public const string SectionName = "Sweep";

    /// <summary>
    /// How often each worker looks through the ends of all logs. With <see cref="Age"/>, the longest that such a turn stays unfinished; it must stay well
    /// below the time for which logs are kept (24 h, or 2 h in a cluster).
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:30:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Silence of a turn's log after which it is looked at: longer than a worker, or the next one, needs from one entry to another.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:30:00")]
    public TimeSpan Age { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How often each worker looks for places in quotas that nobody will give back.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:30:00")]
    public TimeSpan QuotaInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Age of a place after which it is looked at: longer than a message may take from its place to its storing.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:30:00")]
    public TimeSpan QuotaAge { get; set; } = TimeSpan.FromMinutes(1);
}

[OptionsValidator]
internal sealed partial class SweepOptionsValidator : IValidateOptions<SweepOptions>;
