using System.Globalization;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Operations;

/// <summary>What the operator decides about usage: the same as by command line, with the same guards.</summary>
internal static class OperatorEndpoints
{
    private const int LargestBody = 16 * 1024;

    public static void MapOperations(this IEndpointRouteBuilder routes)
    {
        var letters = routes.MapGroup("/v1/admin/dead-letters").RequireScope(Scopes.Admin, ofOperator: true).WithTags("Operations");
        letters.MapGet("/", ListDeadLetters).Describe(OperatorOperations.List);
        letters.MapGet("/{sequence}", ReadDeadLetter).Describe(OperatorOperations.Get);
        letters.MapPost("/{sequence}/replay", ReplayDeadLetter).Describe(OperatorOperations.Replay).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        letters.MapPost("/{sequence}/discard", DiscardDeadLetter).Describe(OperatorOperations.Discard).WithMetadata(new RequestSizeLimitAttribute(LargestBody));

        var usage = routes.MapGroup("/v1/admin/usage").RequireScope(Scopes.Admin, ofOperator: true).WithTags("Operations");
        usage.MapPost("/{sequence}/corrections", CorrectUsage).Describe(OperatorOperations.Correct).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
    }

    private static async Task<IResult> ListDeadLetters(UsageOperator metering, CancellationToken cancellationToken, string? limit = null, string? cursor = null)
    {
        if (Paging.Read(limit, cursor, cursorWhenAbsent: 0, out var page) is { } problem)
        {
            return problem;
        }

        return await metering.AskAsync(
            new UsageOperation(UsageOperationKinds.List, page.Cursor) { Limit = page.Limit },
            answer => TypedResults.Ok(new DeadLetterPage([.. answer.DeadLetters!.Select(DeadLetterResponse.From)], Paging.Text(answer.Next))),
            cancellationToken);
    }

    private static Task<IResult> ReadDeadLetter(string sequence, UsageOperator metering, CancellationToken cancellationToken) =>
        AskAsync(metering, UsageOperationKinds.Inspect, sequence, each => each, answer => TypedResults.Ok(DeadLetterResponse.From(answer.DeadLetters![0])), cancellationToken);

    private static async Task<IResult> ReplayDeadLetter(string sequence, DecisionRequest request, UsageOperator metering, CancellationToken cancellationToken) =>
        request.Validate() ?? await AskAsync(metering, UsageOperationKinds.Replay, sequence, each => each with { Reason = request.Reason }, _ => TypedResults.NoContent(), cancellationToken);

    private static async Task<IResult> DiscardDeadLetter(string sequence, DecisionRequest request, UsageOperator metering, CancellationToken cancellationToken) =>
        request.Validate() ?? await AskAsync(metering, UsageOperationKinds.Discard, sequence, each => each with { Reason = request.Reason }, _ => TypedResults.NoContent(), cancellationToken);

    private static async Task<IResult> CorrectUsage(string sequence, CorrectUsageRequest request, UsageOperator metering, CancellationToken cancellationToken) =>
        request.Validate() ?? await AskAsync(
            metering,
            UsageOperationKinds.Correct,
            sequence,
            each => each with { Reason = request.Reason, Reference = request.Reference, Quantities = request.Quantities },
            answer => TypedResults.Json(new CorrectionResponse(answer.Id!, Paging.Text(answer.Sequence)!), statusCode: answer.IsNew is true ? StatusCodes.Status201Created : StatusCodes.Status200OK),
            cancellationToken);

    private static async Task<IResult> AskAsync(
        UsageOperator metering, string kind, string sequence, Func<UsageOperation, UsageOperation> with, Func<UsageAnswer, IResult> done, CancellationToken cancellationToken) =>
        ulong.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? await metering.AskAsync(with(new UsageOperation(kind, number)), done, cancellationToken)
            : Problem.DeadLetterNotFound;
}
