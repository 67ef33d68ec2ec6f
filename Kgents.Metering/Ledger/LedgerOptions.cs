using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Ledger;

/// <summary>How the ledger of usage is kept.</summary>
public sealed class LedgerOptions
{
    public const string SectionName = "Metering:Ledger";

    /// <summary>Events in one entry. More make it shorter to write and larger: an entry must stay below NATS' largest message.</summary>
    [Range(1, 1000)]
    public int RangeSize { get; set; } = 500;

    /// <summary>How often usage is looked for when there was none.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Event ids in memory, about 60 bytes each; of earlier hours they are read from the ledger when they are needed.</summary>
    [Range(1, 100_000_000)]
    public int IndexedEvents { get; set; } = 500_000;

    /// <summary>Entries between two snapshots: what a start reads at most.</summary>
    [Range(10, 100_000)]
    public int SnapshotInterval { get; set; } = 2000;

    /// <summary>How long a replica is not heard of before another takes its place.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:05:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);
}

[OptionsValidator]
internal sealed partial class LedgerOptionsValidator : IValidateOptions<LedgerOptions>;
