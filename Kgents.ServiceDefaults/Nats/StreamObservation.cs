using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>A stream as the last look found it.</summary>
/// <param name="Limit">Bytes that it may have; 0 for no limit of its own.</param>
/// <param name="RefusesWhenFull">Else it drops what is oldest, which is as it should be.</param>
/// <param name="Behind">Names of the copies that are away or not current.</param>
internal sealed record StreamObservation(string Name, long Messages, long Bytes, long Limit, bool RefusesWhenFull, int Copies, IReadOnlyList<string> Behind)
{
    /// <summary>From 0 to 1, and 0 without a limit.</summary>
    public double Fill => Limit > 0 ? (double)Bytes / Limit : 0;

    public static StreamObservation Of(StreamInfo info) => new(
        info.Config.Name!,
        info.State.Messages,
        info.State.Bytes,
        Math.Max(0, info.Config.MaxBytes),
        info.Config.Discard == StreamConfigDiscard.New,
        1 + (info.Cluster?.Replicas?.Count ?? 0),
        [.. (info.Cluster?.Replicas ?? []).Where(replica => !replica.Current || replica.Offline).Select(replica => replica.Name!)]);
}
