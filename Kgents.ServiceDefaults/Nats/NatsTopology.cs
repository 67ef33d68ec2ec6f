using Kgents.Contracts;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using NATS.Client.KeyValueStore;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// The streams and buckets that this process needs: created once, then only looked at. One that vanishes later is never created again by a
/// running process, since that would hide the loss of what it held.
/// </summary>
public sealed partial class NatsTopology(
    INatsConnection connection,
    INatsJSContext jetStream,
    INatsKVContext keyValue,
    NatsRefusals refusals,
    NatsMetrics metrics,
    IEnumerable<StreamDefinition> streams,
    IEnumerable<BucketDefinition> buckets,
    IOptions<NatsTopologyOptions> options,
    ILogger<NatsTopology> logger)
{
    private const string NoJetStream = "nats-server has no JetStream: turn it on in its configuration (jetstream), and for the account of ConnectionStrings:nats; or it turned it off itself, over a disk that is broken or full";

    private const int StreamNotFound = 10059;
    private const int InsufficientResources = 10023;
    private const int StorageExceeded = 10047;
    private const int JetStreamNotEnabled = 10076;
    private const int JetStreamNotEnabledForAccount = 10039;

    /// <summary>The client goes on trying; this is how long it may do so before it is said.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(3);

    /// <summary>NATS' default; an answer is one message.</summary>
    private const int SmallestMaxPayload = 1024 * 1024;

    private readonly StreamDefinition[] streams = [.. streams.DistinctBy(stream => stream.Name)];
    private readonly BucketDefinition[] buckets = [.. buckets.DistinctBy(bucket => bucket.Name)];
    private readonly TaskCompletionSource created = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is wrong, in words for an operator; null while everything is there. The first look has not ended yet: "starting".</summary>
    public string? Problem { get; private set; } = "starting";

    /// <summary>Each stream and bucket, as the last look found it.</summary>
    internal IReadOnlyList<StreamObservation> Observed { get; private set; } = [];

    /// <summary>Completes when everything was there for the first time. Workers wait for it before they touch a stream.</summary>
    public Task WhenCreatedAsync(CancellationToken cancellationToken) => created.Task.WaitAsync(cancellationToken);

    /// <summary>The same for somebody who sits before it, and wants to be told.</summary>
    /// <exception cref="TopologyException">Not everything was there within <paramref name="patience"/>; the message says what is wrong.</exception>
    public async Task WhenCreatedAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (NatsAddress.Problem(connection.Opts.Url) is { } noAddress)
        {
            throw new TopologyException(noAddress);
        }

        try
        {
            await created.Task.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TopologyException(Problem ?? "not ready");
        }
    }

    /// <summary>One look: connects, checks the server, creates what is missing on the first time, compares the rest.</summary>
    /// <exception cref="TopologyException">The server or a stream is not what is needed.</exception>
    internal async Task CheckOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (NatsAddress.Problem(connection.Opts.Url) is { } noAddress)
            {
                throw new TopologyException(noAddress);
            }

            await connection.ConnectAsync().AsTask().WaitAsync(ConnectPatience, cancellationToken);
            if (NatsServerVersion.Problem(connection.ServerInfo) is { } tooOld)
            {
                throw new TopologyException(tooOld);
            }

            if (connection.ServerInfo is { MaxPayload: < SmallestMaxPayload and var largest })
            {
                throw new TopologyException($"nats-server takes messages of at most {largest} bytes; Kgents needs its default of {SmallestMaxPayload}. Raise max_payload in its configuration.");
            }

            var seen = new List<StreamObservation>();
            foreach (var stream in streams)
            {
                await CheckAsync(seen, StreamConfigs.Create(stream, options.Value), cancellationToken);
            }

            foreach (var bucket in buckets)
            {
                await CheckAsync(seen, bucket, cancellationToken);
            }

            Observed = seen;
            metrics.Filled(seen);
            if (created.TrySetResult())
            {
                LogReady(connection.ServerInfo?.Version, streams.Length, buckets.Length);
            }

            Problem = null;
        }
        catch (TopologyException exception)
        {
            Problem = exception.Message;
            throw;
        }
        catch (Exception exception) when (exception is NatsNoRespondersException or NatsJSApiNoResponseException && connection.ConnectionState == NatsConnectionState.Open)
        {
            Problem = refusals.Problem ?? NoJetStream;
            throw;
        }
        catch (NatsJSApiException exception)
        {
            Problem = refusals.Problem ?? Describe(exception);
            throw;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            Problem = refusals.Problem ?? $"NATS does not answer at {NatsAddress.Of(connection.Opts.Url)} (ConnectionStrings:nats)";
            throw;
        }
    }

    private async Task CheckAsync(List<StreamObservation> seen, StreamConfig expected, CancellationToken cancellationToken)
    {
        var found = await FindAsync(expected.Name!, cancellationToken);
        if (found is null)
        {
            ThrowIfLost(expected.Name!);
            found = (await jetStream.CreateStreamAsync(expected, cancellationToken)).Info;
            LogCreated(expected.Name!);
        }

        seen.Add(StreamObservation.Of(found));
        if (StreamConfigs.Differences(expected, found.Config) is { Count: > 0 } differences)
        {
            throw new TopologyException($"stream {expected.Name} is not as defined: {string.Join("; ", differences)}. Apply the settings with `./dev streams apply`, or change the one that says otherwise.");
        }
    }

    private async Task CheckAsync(List<StreamObservation> seen, BucketDefinition bucket, CancellationToken cancellationToken)
    {
        var found = await FindAsync(Subjects.KeyValueStream(bucket.Name), cancellationToken);
        if (found is null)
        {
            ThrowIfLost(bucket.Name);
            await keyValue.CreateStoreAsync(
                new NatsKVConfig(bucket.Name) { Description = bucket.Description, History = 1, MaxAge = bucket.MaxAge, NumberOfReplicas = options.Value.Replicas, Storage = NatsKVStorageType.File },
                cancellationToken);
            LogCreated(bucket.Name);
            found = await FindAsync(Subjects.KeyValueStream(bucket.Name), cancellationToken);
        }

        if (found is not null)
        {
            seen.Add(StreamObservation.Of(found));
        }

        if (found?.Config is not { AllowDirect: true, MaxMsgsPerSubject: 1 } config || config.MaxAge != bucket.MaxAge || config.NumReplicas != options.Value.Replicas)
        {
            throw new TopologyException($"bucket {bucket.Name} is not as defined: expected history 1, ttl {bucket.MaxAge}, {options.Value.Replicas} replica(s). Apply the settings with `./dev streams apply`, or change the one that says otherwise.");
        }
    }

    /// <summary>It answers, and says no. What has no room is the one that it says with a number of its own.</summary>
    private static string Describe(NatsJSApiException exception) => exception.Error.ErrCode switch
    {
        InsufficientResources or StorageExceeded => NatsRoom.Describe("a stream", exception.Error),
        JetStreamNotEnabled or JetStreamNotEnabledForAccount => NoJetStream,
        _ => $"nats-server refuses: {exception.Error.Description} ({exception.Error.ErrCode})",
    };

    private void ThrowIfLost(string name)
    {
        if (created.Task.IsCompleted)
        {
            throw new TopologyException($"{name} is missing; it was there when this process started. Restore it, or restart the process to create it empty.");
        }
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

    [LoggerMessage(LogLevel.Information, "Connected to nats-server {Version}; {Streams} streams and {Buckets} buckets are as defined.")]
    private partial void LogReady(string? version, int streams, int buckets);

    [LoggerMessage(LogLevel.Information, "{Name} was missing and was created.")]
    private partial void LogCreated(string name);
}
