using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>How streams and buckets are kept.</summary>
public sealed class NatsTopologyOptions
{
    public const string SectionName = "Nats";

    /// <summary>Copies of each stream: 1 on a single server, 3 on a cluster. An existing stream is not changed by this.</summary>
    [Range(1, 5)]
    public int Replicas { get; set; } = 1;

    /// <summary>How often the streams are looked at; a missing one makes the service unready within this time.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(3);
}

[OptionsValidator]
internal sealed partial class NatsTopologyOptionsValidator : IValidateOptions<NatsTopologyOptions>;
