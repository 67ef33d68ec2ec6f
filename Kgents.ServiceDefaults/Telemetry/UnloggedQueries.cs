using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>
/// The framework's line for each request has its query string, and a query string may have a ticket. That line stays off, whatever a <c>Logging</c> setting
/// says. (Spans have <c>Redacted</c> in its place.)
/// </summary>
internal static class UnloggedQueries
{
    private const string RequestLines = "Microsoft.AspNetCore.Hosting.Diagnostics";

    /// <summary>The last rule for a category wins, but one for a provider is before those for all.</summary>
    public static void AddUnloggedQueries(this IHostApplicationBuilder builder) => builder.Services.PostConfigure<LoggerFilterOptions>(filters =>
    {
        foreach (var provider in filters.Rules.Select(rule => rule.ProviderName).Append(null).Distinct().ToList())
        {
            filters.Rules.Add(new LoggerFilterRule(provider, RequestLines, LogLevel.Warning, filter: null));
        }
    });
}
