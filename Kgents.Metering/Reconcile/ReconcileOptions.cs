using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Reconcile;

/// <summary>How often ledger and OpenMeter are compared, without anybody asking.</summary>
public sealed class ReconcileOptions
{
    public const string SectionName = "Metering:Reconcile";

    /// <summary>Each replica does it so often, at moments of its own.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How many hours are compared, with the one that is now. Every event of them is asked for.</summary>
    [Range(1, 400 * 24)]
    public int Hours { get; set; } = 24;

    /// <summary>
    /// After so long, what a turn committed and nobody has recorded is a difference that does not mend itself. More than workers need that record after others (<c>Sweep:Interval</c> and <c>Sweep:Age</c>), and
    /// less than the time for which logs are kept (24 h, or 2 h in a cluster).
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan RecordedWithin { get; set; } = TimeSpan.FromHours(1);
}

[OptionsValidator]
internal sealed partial class ReconcileOptionsValidator : IValidateOptions<ReconcileOptions>;
