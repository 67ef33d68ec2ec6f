using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>How a process keeps the values of a bucket in memory.</summary>
public sealed class BucketViewOptions
{
    public const string SectionName = "Nats:Views";

    /// <summary>How often a process writes a beat into each bucket that it watches, to see by its return that it still sees what is written.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:05")]
    public TimeSpan BeatInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Age of the last beat that came back at which requests are refused with 503: the longest that a revoked key can still work.</summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:01:00")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromSeconds(15);
}

[OptionsValidator]
internal sealed partial class BucketViewOptionsValidator : IValidateOptions<BucketViewOptions>;
