using Kgents.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Kgents.ServiceDefaults.Health;

/// <summary>Live: the process answers. Ready: it can do its work, because every check tagged <see cref="Ready"/> passes. Healthy: nothing at all is wrong.</summary>
public static class HealthEndpoints
{
    public const string Ready = "ready";

    /// <summary>Beneath this and <see cref="Alive"/> is all that tells of health.</summary>
    internal const string Root = "/health";

    internal const string Alive = "/alive";

    private static readonly TimeSpan FirstReport = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(10);

    internal static void AddHealth(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptionsWithValidateOnStart<HealthOptions, HealthOptionsValidator>().BindConfiguration(HealthOptions.SectionName);
        builder.Services.AddHealthChecks();
        builder.Services.AddSingleton<HealthAnswer>().AddSingleton<HealthMetrics>().AddSingleton<IHealthCheckPublisher, HealthReporter>();
        builder.Services.Configure<HealthCheckPublisherOptions>(publisher => (publisher.Delay, publisher.Period) = (FirstReport, ReportInterval));
    }

    internal static void MapHealth(this WebApplication app)
    {
        var answer = app.Services.GetRequiredService<HealthAnswer>();
        var live = new HealthCheckOptions { Predicate = _ => false, ResponseWriter = answer.WriteAsync };
        app.MapHealthChecks("/health/live", live);
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(Ready), ResponseWriter = answer.WriteAsync });

        // The two that Aspire's own service defaults have.
        app.MapHealthChecks(Alive, live);
        app.MapHealthChecks(Root, new HealthCheckOptions { ResponseWriter = answer.WriteDetailsAsync });
    }
}
