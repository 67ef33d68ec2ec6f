using System.Text;
using Kgents.Api.Keys;
using Kgents.Api.Tenants;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Authentication;

/// <summary>
/// Makes sure that there is one admin key: the configured one, or, on the very first start, a generated one that is printed once on standard
/// output and never to a log, since logs are exported.
/// </summary>
internal sealed partial class BootstrapKeyWorker(
    NatsTopology topology,
    ApiKeyStore keys,
    TenantStore tenants,
    JetStreamReader reader,
    FencedPublisher publisher,
    IOptions<BootstrapKeyOptions> options,
    TimeProvider time,
    ILogger<BootstrapKeyWorker> logger) : BackgroundService
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MarkerTimeout = TimeSpan.FromSeconds(10);
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.ApiKeys);
    private static readonly string Marker = Subjects.KeyValue(Buckets.ApiKeys, "_bootstrap");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(RetryInterval, time);
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            while (!await TrySettleAsync(stoppingToken) && await timer.WaitForNextTickAsync(stoppingToken))
            {
                // Another replica is about to store its key, or NATS does not answer.
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown before NATS was there.
        }
    }

    /// <summary>True once there is an admin key.</summary>
    private async Task<bool> TrySettleAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (options.Value.BootstrapKey is { Length: > 0 } configured)
            {
                await AddAsync(configured, cancellationToken);
                return true;
            }

            var marker = await reader.LastAsync(Stream, Marker, cancellationToken);
            if (marker is not null && await ExistsAsync(Encoding.UTF8.GetString(marker.Data.Span), cancellationToken))
            {
                return true;
            }

            return (marker is null || time.GetUtcNow() - marker.Time > MarkerTimeout) && await TryGenerateAsync(marker?.Sequence ?? 0, cancellationToken);
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogNotSettled(exception.GetType().Name);
            return false;
        }
    }

    /// <summary>
    /// The marker names the hash before the key is stored, so that of replicas that start together one wins. A process that dies between the two
    /// leaves a marker without a key, which is replaced once it is old. One that dies before it has printed the key leaves a key that nobody
    /// knows: then <c>Auth:BootstrapKey</c> sets one.
    /// </summary>
    private async Task<bool> TryGenerateAsync(ulong markerSequence, CancellationToken cancellationToken)
    {
        var key = ApiKeySyntax.Generate();
        var hash = Encoding.UTF8.GetBytes(ApiKeySyntax.HashOf(key));
        var result = await publisher.AppendAsync(Stream, Marker, hash, [], markerSequence, entry => entry.Data.Span.SequenceEqual(hash), cancellationToken);
        if (!result.IsStored)
        {
            return false;
        }

        await AddAsync(key, cancellationToken);
        await PrintAsync(key, cancellationToken);
        return true;
    }

    private async Task AddAsync(string key, CancellationToken cancellationToken)
    {
        var tenant = TenantId.Parse(options.Value.BootstrapTenant);
        await tenants.TryCreateAsync(
            new TenantRecord(tenant, tenant.ToString(), TenantStatus.Active, new Dictionary<string, string>(), time.GetUtcNow()), cancellationToken);

        // A key that was there before keeps its tenant.
        await keys.TryAddAsync(ApiKeySyntax.HashOf(key), new ApiKeyRecord(tenant, "bootstrap", ApiKeySyntax.PrefixOf(key), Scopes.All, time.GetUtcNow()), cancellationToken);
        if (keys.Find(ApiKeySyntax.HashOf(key)) is { } stored)
        {
            LogAdded(stored.Prefix, stored.Tenant);
        }
    }

    /// <summary>From the leader: by a view that is still being filled a second key would be made.</summary>
    private async Task<bool> ExistsAsync(string hash, CancellationToken cancellationToken) =>
        await reader.LastAsync(Stream, Subjects.KeyValue(Buckets.ApiKeys, hash), cancellationToken) is { Data.Length: > 0 };

    private static async Task PrintAsync(string key, CancellationToken cancellationToken) =>
        await Console.Out.WriteLineAsync(
            $"""

            Your admin key, shown this once (only its hash is stored):

              {key}

            """.AsMemory(),
            cancellationToken);

    [LoggerMessage(LogLevel.Warning, "The admin key is not settled yet ({Reason}); trying again.")]
    private partial void LogNotSettled(string reason);

    [LoggerMessage(LogLevel.Information, "The admin key {Prefix}… of tenant {Tenant} is in place.")]
    private partial void LogAdded(string prefix, TenantId tenant);
}
