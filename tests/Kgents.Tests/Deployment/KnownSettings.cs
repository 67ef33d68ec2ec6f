using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>The configuration keys of docs/configuration.md, which is held to the services by a test of its own.</summary>
internal static partial class KnownSettings
{
    private static readonly HashSet<string> All =
        [.. Key.Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"))).Select(match => match.Groups[1].Value)];

    /// <summary>As an environment variable is named.</summary>
    public static bool Has(string variable) => All.Contains(variable.Replace("__", ":", StringComparison.Ordinal)) || variable is "OTEL_SERVICE_NAME" or "ASPNETCORE_URLS" or "SSL_CERT_FILE";

    [GeneratedRegex("`([A-Z][A-Za-z_]+(?::[A-Za-z]+)*)`")]
    private static partial Regex Key { get; }
}
