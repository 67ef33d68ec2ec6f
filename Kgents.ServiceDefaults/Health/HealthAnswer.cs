using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kgents.ServiceDefaults.Health;

/// <summary>
/// What is told of health: to everybody the state, and the names of the checks that fail; to operators what each found. Descriptions hold no secret, but names of
/// servers, users and settings; exceptions are not shown to anybody.
/// </summary>
internal sealed class HealthAnswer(IOptions<HealthOptions> options, IHostEnvironment environment)
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? key = options.Value.Key is { } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;

    /// <summary>A line for the state, and one for each check that fails.</summary>
    public Task WriteAsync(HttpContext context, HealthReport report)
    {
        var isOperator = IsOperator(context.Request);
        var failing = report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy).Select(entry => isOperator ? $"{entry.Key}: {entry.Value.Description}" : entry.Key);
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(string.Join('\n', [report.Status.ToString(), .. failing, ""]), context.RequestAborted);
    }

    /// <summary>All checks, those that are well too, with what they saw.</summary>
    public async Task WriteDetailsAsync(HttpContext context, HealthReport report)
    {
        if (!IsOperator(context.Request))
        {
            await WriteAsync(context, report);
            return;
        }

        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", NameOf(report.Status));
        json.WriteStartObject("checks");
        foreach (var (name, entry) in report.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(name);
            json.WriteString("status", NameOf(entry.Status));
            if (entry.Description is { } description)
            {
                json.WriteString("description", description);
            }

            foreach (var (what, value) in entry.Data)
            {
                json.WritePropertyName(what);
                JsonSerializer.Serialize(json, value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static string NameOf(HealthStatus status) => status.ToString().ToLowerInvariant();

    private bool IsOperator(HttpRequest request) => environment.IsDevelopment()
        || (key is not null && request.Headers[HeaderNames.Authorization].ToString() is var sent && sent.StartsWith(Scheme, StringComparison.Ordinal)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(sent[Scheme.Length..])), key));
}
