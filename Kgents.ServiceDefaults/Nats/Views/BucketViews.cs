using System.Text.Json.Serialization.Metadata;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Health;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Asks for buckets whose values every process has in memory.</summary>
public static class BucketViews
{
    /// <summary>Keeps a bucket's values in memory (<see cref="BucketView{TValue}"/>) and lets them be changed (<see cref="BucketStore{TValue}"/>). The service is not ready while the view is not fresh.</summary>
    public static IServiceCollection AddBucketView<TValue>(this IServiceCollection services, BucketDefinition bucket, JsonTypeInfo<TValue> json)
        where TValue : class
    {
        services.AddOptionsWithValidateOnStart<BucketViewOptions, BucketViewOptionsValidator>().BindConfiguration(BucketViewOptions.SectionName);
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BucketView<TValue>>(provider, bucket, json));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BucketStore<TValue>>(provider, bucket, json));
        services.AddHostedService(provider => provider.GetRequiredService<BucketView<TValue>>());
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            bucket.Name, provider => new FreshnessCheck(() => provider.GetRequiredService<BucketView<TValue>>().IsFresh), HealthStatus.Unhealthy, [HealthEndpoints.Ready]));
        return services;
    }

    private sealed class FreshnessCheck(Func<bool> isFresh) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
            isFresh() ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("what this process knows of it may be older than Nats:Views:MaxAge"));
    }
}
