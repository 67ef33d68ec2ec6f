using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>How streams and buckets are kept. The same for all services: one that was told otherwise is not ready. Of what is there, <c>./dev streams apply</c> changes it.</summary>
public sealed class NatsTopologyOptions
{
    public const string SectionName = "Nats";

    /// <summary>Copies of each stream: 1 on a single server, 3 on a cluster.</summary>
    [Range(1, 5)]
    public int Replicas { get; set; } = 1;

    /// <summary>Partitions that new sessions are spread over, each with a ledger of its own. A session stays where it is.</summary>
    [Range(1, 64)]
    public int Partitions { get; set; } = 1;

    /// <summary>Age after which the log of a turn is gone: a client resumes no turn from its events after it, and nothing that an outage left unfinished is finished.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan TokensMaxAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of all turns' logs, after which the oldest go.</summary>
    [Range(1L << 20, long.MaxValue)]
    public long TokensMaxBytes { get; set; } = 1L << 30;

    /// <summary>Bytes of all conversations, after which no message is accepted; -1 leaves it to the server's own limit.</summary>
    [Range(-1L, long.MaxValue)]
    public long MessagesMaxBytes { get; set; } = -1;

    /// <summary>Bytes of all usage, after which ending turns wait; -1 leaves it to the server's own limit.</summary>
    [Range(-1L, long.MaxValue)]
    public long UsageMaxBytes { get; set; } = -1;

    /// <summary>Bytes of all ledgers, after which no usage is exported; -1 leaves it to the server's own limit.</summary>
    [Range(-1L, long.MaxValue)]
    public long LedgerMaxBytes { get; set; } = -1;

    /// <summary>Bytes of all decisions of governance, after which none can be made; -1 leaves it to the server's own limit.</summary>
    [Range(-1L, long.MaxValue)]
    public long AuditMaxBytes { get; set; } = -1;

    /// <summary>How often the streams are looked at; a missing one makes the service unready within this time.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(3);
}

[OptionsValidator]
internal sealed partial class NatsTopologyOptionsValidator : IValidateOptions<NatsTopologyOptions>;
