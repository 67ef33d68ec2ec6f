namespace Kgents.Contracts;

/// <summary>The streams that a tenant has open, by the replicas of the API that have them.</summary>
public sealed record OpenStreamsRecord(IReadOnlyDictionary<string, ReplicaStreams> Replicas);

/// <param name="Until">A replica that has not said anything new by then is gone, and its streams with it.</param>
public sealed record ReplicaStreams(int Open, DateTimeOffset Until);
