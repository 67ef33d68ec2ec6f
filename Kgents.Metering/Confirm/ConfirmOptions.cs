using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Confirm;

/// <summary>How it is made sure that OpenMeter has what it said it took.</summary>
public sealed class ConfirmOptions
{
    public const string SectionName = "Metering:Confirm";

    /// <summary>How soon after it was sent an event is looked for, and how long between two looks at first.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest that OpenMeter takes to show an event. One whose send had no clear answer goes again when it is not shown after that.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan VisibleWithin { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>An accepted event that is not shown after this goes again, once, under the same id; after this once more it is missing, and somebody must look.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan MissingAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether to find out at the start if OpenMeter deduplicates: it leaves an event there that no meter counts, twice.</summary>
    public bool Probe { get; set; } = true;
}

[OptionsValidator]
internal sealed partial class ConfirmOptionsValidator : IValidateOptions<ConfirmOptions>;
