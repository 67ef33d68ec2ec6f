using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>How the API follows a turn for a client.</summary>
public sealed class TurnStreamOptions
{
    public const string SectionName = "Turns:Stream";

    /// <summary>Silence after which a heartbeat comment is sent, so that proxies keep the connection.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Silence after which the end of the log is looked up, so that a lost last message is found. While nothing comes it doubles, up to six times as long: the longest that a client waits for such a message, or twice as long for the first of a turn.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan TailCheckInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take nothing of what is ready for it; then its connection is closed, and it can resume.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan WriteDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Events of a turn that are kept in memory for all its viewers; one that is further behind reads the log.</summary>
    [Range(2, 65_536)]
    public int RingSize { get; set; } = 512;

    /// <summary>Streams that a tenant may have open on one replica; a request for one more is refused with 429 and has no effect.</summary>
    [Range(1, 1_000_000)]
    public int MaxPerTenant { get; set; } = 1_000;

    /// <summary>What a client is told to wait before it reconnects.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromSeconds(1);
}

[OptionsValidator]
internal sealed partial class TurnStreamOptionsValidator : IValidateOptions<TurnStreamOptions>;
