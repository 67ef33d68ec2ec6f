using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Export;

/// <summary>How usage goes to OpenMeter. Where it is, <c>ConnectionStrings:openmeter</c> says.</summary>
public sealed class ExportOptions
{
    public const string SectionName = "Metering:Export";

    /// <summary>Events in one request.</summary>
    [Range(1, 1000)]
    public int BatchSize { get; set; } = 100;

    /// <summary>How long the first event of a batch waits for others: the age that usage has in OpenMeter when nothing else holds it up.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan BatchWait { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long OpenMeter may take to answer. After it, it is not known whether it took the events.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause after a first failure; it doubles with each further one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause between two tries, unless OpenMeter asks for a longer one. There is no last try: usage waits in its stream.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan LongestRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Events that may be sent and not confirmed. At this number nothing new is sent: it bounds memory, and what a broken OpenMeter can lose.</summary>
    [Range(1, 100_000)]
    public int MaxUnsettled { get; set; } = 10_000;

    /// <summary>Refused events that nobody has looked at, after which nothing more is sent: so many are not the events' fault.</summary>
    [Range(1, 10_000)]
    public int MaxRefused { get; set; } = 1000;
}

[OptionsValidator]
internal sealed partial class ExportOptionsValidator : IValidateOptions<ExportOptions>;
