using System.Text;
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
    JetStreamReader reader,
    FencedPublisher publisher,
    IOptions<BootstrapKeyOptions> options,
    TimeProvider time,
    ILogger<BootstrapKeyWorker> logger) : BackgroundService
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.ApiKeys);
    private static readonly string Marker = Subjects.KeyValue(Buckets.ApiKeys, "bootstrap");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            if (options.Value.BootstrapKey is { Length: > 0 } configured)
            {
                await AddAsync(configured, stoppingToken);
            }
            else if (await GenerateOnceAsync(stoppingToken) is { } generated)
            {
                await PrintAsync(generated, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown before NATS was there.
        }
    }

    /// <summary>
    /// The key, or null when another start has made one. The marker names the hash before the key is stored, so that of two replicas one wins; a
    /// process that dies between the two leaves a marker without a key, which the next start replaces. One that dies before it has printed the
    /// key leaves a key that nobody knows: then <c>Auth:BootstrapKey</c> sets one.
    /// </summary>
    private async Task<string?> GenerateOnceAsync(CancellationToken cancellationToken)
    {
        var marker = await reader.LastAsync(Stream, Marker, cancellationToken);
        if (marker is not null && await keys.FindAsync(Encoding.UTF8.GetString(marker.Data.Span), cancellationToken) is not null)
        {
            return null;
        }

        var key = ApiKeySyntax.Generate();
        var hash = Encoding.UTF8.GetBytes(ApiKeySyntax.HashOf(key));
        var result = await publisher.AppendAsync(
            Stream, Marker, hash, [], marker?.Sequence ?? 0, entry => entry.Data.Span.SequenceEqual(hash), cancellationToken);
        if (!result.IsStored)
        {
            return null;
        }

        await AddAsync(key, cancellationToken);
        return key;
    }

    private async Task AddAsync(string key, CancellationToken cancellationToken)
    {
        var record = new ApiKeyRecord(TenantId.Parse(options.Value.BootstrapTenant), "bootstrap", ApiKeySyntax.PrefixOf(key), Scopes.All, time.GetUtcNow());
        await keys.AddAsync(ApiKeySyntax.HashOf(key), record, cancellationToken);
        LogAdded(record.Prefix, record.Tenant);
    }

    private static async Task PrintAsync(string key, CancellationToken cancellationToken) =>
        await Console.Out.WriteLineAsync(
            $"""

            Your admin key, shown this once (only its hash is stored):

              {key}

            """.AsMemory(),
            cancellationToken);

    [LoggerMessage(LogLevel.Information, "The admin key {Prefix}… of tenant {Tenant} is in place.")]
    private partial void LogAdded(string prefix, TenantId tenant);
}
