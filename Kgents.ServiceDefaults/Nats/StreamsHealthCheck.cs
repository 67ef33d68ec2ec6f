using Kgents.ServiceDefaults.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Degraded while a stream comes near the limit at which it refuses, or lacks a copy. It asks nobody: the topology looks at each every few seconds.</summary>
internal sealed class StreamsHealthCheck(NatsTopology topology, IOptions<HealthOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var streams = topology.Observed;
        var problems = streams.Where(stream => stream.RefusesWhenFull && stream.Fill * 100 >= options.Value.StreamFullAt)
            .Select(stream => $"{stream.Name} is {stream.Fill * 100:0} % full, and refuses at 100: raise its max_bytes (Nats:*MaxBytes, then `./dev streams apply`), or remove what is old")
            .Concat(streams.Where(stream => stream.Behind.Count > 0).Select(stream => $"{stream.Name} has {stream.Copies - stream.Behind.Count} of {stream.Copies} copies: {string.Join(", ", stream.Behind)} away or behind"))
            .ToList();
        var data = streams.ToDictionary(
            stream => stream.Name,
            object (stream) => new Dictionary<string, object> { ["messages"] = stream.Messages, ["bytes"] = stream.Bytes, ["limit"] = stream.Limit, ["copies"] = stream.Copies, ["copies_behind"] = stream.Behind.Count });
        return Task.FromResult(problems.Count == 0 ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Degraded(string.Join("; ", problems), data: data));
    }
}
