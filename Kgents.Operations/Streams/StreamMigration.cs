using System.Globalization;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Operations.Streams;

/// <summary>
/// Makes the streams and buckets that are there what the settings say, where that loses nothing. All is looked at before anything is changed: when one
/// change is refused, none is made. A missing one is left to the services, which create what they need.
/// </summary>
internal sealed class StreamMigration(INatsJSContext jetStream, NatsTopologyOptions options, TextWriter output)
{
    private const int StreamNotFound = 10059;

    /// <summary>Beyond it nothing can be found: <see cref="NatsTopologyOptions.Partitions"/> allows no more.</summary>
    private const int MostPartitions = 64;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>False when something differs that may not be changed, or, without <paramref name="apply"/>, when something differs at all.</summary>
    public async Task<bool> RunAsync(bool apply, CancellationToken cancellationToken)
    {
        var changes = new List<StreamConfig>();
        var missing = new List<string>();
        var refused = await TellLostPartitionsAsync(cancellationToken);
        foreach (var (name, expect) in Expected())
        {
            if (await FindAsync(name, cancellationToken) is not { } found)
            {
                missing.Add(name);
                continue;
            }

            var expected = expect(found.Config);
            var differences = StreamConfigs.Differences(expected, found.Config);
            foreach (var difference in differences)
            {
                var refusal = StreamRules.Refusal(difference, expected, found, found.Ts);
                refused |= refusal is not null;
                await output.WriteLineAsync($"{name}: {difference}: {(refusal is null ? "can be changed" : $"refused: {refusal}")}");
            }

            if (differences.Count > 0)
            {
                changes.Add(Changed(found.Config, expected));
            }
        }

        if (missing.Count > 0)
        {
            await output.WriteLineAsync($"Not there, and created by a service when it starts: {string.Join(", ", missing)}");
        }

        if (changes.Count == 0 && !refused)
        {
            await output.WriteLineAsync("All that is there is as the settings say.");
            return true;
        }

        if (refused || !apply)
        {
            await output.WriteLineAsync(refused ? "Nothing was changed." : "Nothing was changed: `streams apply` does it.");
            return false;
        }

        foreach (var change in changes)
        {
            await ApplyAsync(change, cancellationToken);
        }

        return true;
    }

    private IEnumerable<(string Name, Func<StreamConfig, StreamConfig> Expect)> Expected() =>
    [
        .. Contracts.Streams.All.Select(stream => (stream.Name, (Func<StreamConfig, StreamConfig>)(_ => StreamConfigs.Create(stream, options)))),
        .. Buckets.All.Select(bucket => (Subjects.KeyValueStream(bucket.Name), (Func<StreamConfig, StreamConfig>)(found => StreamConfigs.Create(bucket, found, options)))),
    ];

    /// <summary>What the settings say nothing of stays as somebody made it.</summary>
    private static StreamConfig Changed(StreamConfig found, StreamConfig expected) => found with
    {
        Subjects = expected.Subjects,
        NumReplicas = expected.NumReplicas,
        MaxAge = expected.MaxAge,
        MaxBytes = expected.MaxBytes,
        Discard = expected.Discard,
        DuplicateWindow = expected.DuplicateWindow,
        AllowDirect = expected.AllowDirect,
        DenyDelete = expected.DenyDelete,
        DenyPurge = expected.DenyPurge,
        MaxMsgsPerSubject = expected.MaxMsgsPerSubject,
        Republish = expected.Republish,
    };

    private async Task ApplyAsync(StreamConfig change, CancellationToken cancellationToken)
    {
        var applied = (await jetStream.UpdateStreamAsync(change, cancellationToken)).Info.Config;
        if (StreamConfigs.Differences(change, applied) is { Count: > 0 } left)
        {
            throw new OperationRefusedException($"{change.Name}: the server says that it changed it, and did not: {string.Join("; ", left)}");
        }

        // New copies are filled afterwards: a node that is lost before that is lost as if they were not asked for.
        await output.WriteLineAsync($"{change.Name}: changed; waiting until each of its {change.NumReplicas} copies has everything");
        using var timer = new PeriodicTimer(LookInterval);
        while (!IsWhole(await FindAsync(change.Name!, cancellationToken), change.NumReplicas))
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private static bool IsWhole(StreamInfo? info, int replicas) =>
        replicas == 1 || info?.Cluster is { Leader: not null, Replicas: { } others } && others.Count == replicas - 1 && others.All(other => other.Current);

    /// <summary>Usage and sessions in partitions that nobody would meter any more.</summary>
    private async Task<bool> TellLostPartitionsAsync(CancellationToken cancellationToken)
    {
        var reader = new JetStreamReader(jetStream);
        var found = false;
        foreach (var (stream, subjects) in new[] { (Contracts.Streams.Usage.Name, "kgents.usage"), (Contracts.Streams.Messages.Name, "kgents.messages") })
        {
            for (var partition = options.Partitions; partition < MostPartitions && await FindAsync(stream, cancellationToken) is not null; partition++)
            {
                var subject = string.Create(CultureInfo.InvariantCulture, $"{subjects}.{partition}.>");
                if (await reader.LastAsync(stream, subject, cancellationToken) is not null)
                {
                    await output.WriteLineAsync($"{stream}: Nats:Partitions is {options.Partitions}: refused: partition {partition} has messages, whose usage nobody would meter");
                    found = true;
                }
            }
        }

        return found;
    }

    private async Task<StreamInfo?> FindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await jetStream.GetStreamAsync(name, cancellationToken: cancellationToken)).Info;
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == StreamNotFound)
        {
            return null;
        }
    }
}
