using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Usage;

/// <summary>What the caller's tenant has used. Whose it is, only the key says.</summary>
internal static class UsageEndpoints
{
    public static void MapUsage(this IEndpointRouteBuilder routes)
    {
        var usage = routes.MapGroup("/v1/usage").RequireScope(Scopes.Billing).WithTags("Usage");
        usage.MapGet("/", ReadUsage).Describe(UsageOperations.Read);
        usage.MapGet("/focus", ReadFocus).Describe(UsageOperations.ReadFocus);
        usage.MapGet("/reconciliation", ReadReconciliation).Describe(UsageOperations.ReadReconciliation);
    }

    private static async Task<Results<Ok<UsageResponse>, ContentHttpResult, ProblemHttpResult>> ReadUsage(
        [AsParameters] UsageParameters asked, HttpRequest request, ClaimsPrincipal user, UsageReport report, IOptions<UsageOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (AnswerFormat.Read(request, asked.Format, out var isCsv) is { } noFormat)
        {
            return noFormat;
        }

        if (UsageQuery.Read(asked, time.GetUtcNow(), out var query) is { } problem)
        {
            return problem;
        }

        if (await report.ReadAsync(user.Tenant(), query, cancellationToken) is not { } usage)
        {
            return UsageOperations.TooMuch(options.Value.MaxRows);
        }

        return isCsv ? TypedResults.Text(UsageCsv.Write(usage), Csv.MediaType, Encoding.UTF8) : TypedResults.Ok(usage);
    }

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> ReadFocus(
        ClaimsPrincipal user, UsageReport report, IOptions<UsageOptions> options, TimeProvider time, CancellationToken cancellationToken, string? from = null, string? to = null)
    {
        var asked = new UsageParameters(from, to, UsageWindow.ByHour, UsageQuery.ByModel, Model: null, Session: null, Key: null, Format: null);
        if (UsageQuery.Read(asked, time.GetUtcNow(), out var query) is { } problem)
        {
            return problem;
        }

        return await report.ReadAsync(user.Tenant(), query, cancellationToken) is { } usage
            ? TypedResults.Text(FocusExport.Write(user.Tenant().ToString(), usage), Csv.MediaType, Encoding.UTF8)
            : UsageOperations.TooMuch(options.Value.MaxRows);
    }

    private static async Task<Ok<ReconciliationResponse>> ReadReconciliation(ClaimsPrincipal user, JetStreamReader reader, CancellationToken cancellationToken)
    {
        var partitions = reader.ReadAsync(Subjects.KeyValueStream(Buckets.Reconciliations), Subjects.Reconciliations(user.Tenant()), 1, 0, cancellationToken)
            .Select(entry => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.ReconciliationRecord)!);
        return TypedResults.Ok(new ReconciliationResponse(await partitions.OrderBy(each => each.Partition).ToListAsync(cancellationToken)));
    }
}
