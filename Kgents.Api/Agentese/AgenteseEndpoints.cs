using System.Text.Json;
using Kgents.Api.Authentication;
using Kgents.Api.Idempotency;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Turns;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Agentese;

/// <summary>The verb-first way in: paths, each bound to something that is there. Every path shows something, so all of them take <c>read</c>; what else one takes, its aspect says.</summary>
internal static class AgenteseEndpoints
{
    private const int LargestBody = 4 * 1024 * 1024;

    public static void MapAgentese(this IEndpointRouteBuilder routes)
    {
        var agentese = routes.MapGroup("/v1/agentese").RequireScope(Scopes.Read).WithTags("AGENTESE").WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        agentese.MapGet("/paths", ListPaths).Describe(AgenteseOperations.Paths);
        agentese.MapGet("/resolve", Resolve).Describe(AgenteseOperations.Resolve);
        agentese.MapGet("/affordances", ListAffordances).Describe(AgenteseOperations.Affordances);
        agentese.MapPost("/invoke", Invoke).Describe(AgenteseOperations.Invoke);
        agentese.MapPost("/compose", Compose).Describe(AgenteseOperations.Compose);
    }

    private static async Task<Results<Ok<PathsResponse>, ProblemHttpResult>> ListPaths(
        HttpContext http, NodeRegistry nodes, Invoker invoker, HolonStore holons, CancellationToken cancellationToken, string? archetype = null, string? limit = null, string? cursor = null)
    {
        if (Observer.Read(http.User, archetype, out var observer) is { } denied)
        {
            return denied;
        }

        if (Paging.Read(limit, cursor, cursorWhenAbsent: 0, out var page) is { } problem)
        {
            return problem;
        }

        var (known, next) = await holons.ListAsync(http.User.Tenant(), page.Limit, page.Cursor, cancellationToken);
        var found = nodes.All.Select(node => new NodeResponse(
            $"{node.Context}.{node.Holon ?? "{name}"}", node.Summary, [.. Invoker.Offered(node, observer).Where(aspect => invoker.Authorize(http, aspect) is null).Select(aspect => aspect.Name)]));

        // Who may do nothing with a node but ask what there is to do, for that one it does not exist.
        return TypedResults.Ok(new PathsResponse(observer.Name, [.. found.Where(node => node.Aspects.Count > 1)], known, Paging.Text(next)));
    }

    private static async Task<Results<Ok<ResolveResponse>, ProblemHttpResult>> Resolve(
        HttpContext http, Invoker invoker, HolonStore holons, CancellationToken cancellationToken, string? path = null, string? archetype = null)
    {
        if (invoker.Resolve(http, path, archetype, out var handle, out var node, out var observer) is { } problem)
        {
            return problem;
        }

        if (node.Holon is null && await holons.FindAsync(http.User.Tenant(), handle.Context, handle.Holon, cancellationToken) is null)
        {
            return HolonStore.Unknown(handle);
        }

        return TypedResults.Ok(new ResolveResponse(
            handle.Handle, handle.Context, handle.Holon, node.Summary, observer.Name, [.. Invoker.Offered(node, observer).Select(AspectResponse.From)]));
    }

    private static Results<Ok<AffordancesResponse>, ProblemHttpResult> ListAffordances(HttpContext http, Invoker invoker, string? path = null, string? archetype = null) =>
        invoker.Resolve(http, path, archetype, out var handle, out var node, out var observer) is { } problem
            ? problem
            : TypedResults.Ok(new AffordancesResponse(handle.Handle, observer.Name, [.. Invoker.Offered(node, observer).Select(aspect => aspect.Name)]));

    private static async Task<IResult> Invoke(
        InvokeRequest request, HttpContext http, Invoker invoker, AgenteseReply reply, MessageReply messages, OpenStreams streams, CancellationToken cancellationToken)
    {
        if ((IdempotencyKey.Read(http.Request.Headers, out var key) ?? ReadKwargs(request.Kwargs)) is { } notRead)
        {
            return notRead;
        }

        if (invoker.Prepare(http, request.Path, request.Observer?.Archetype, request.Kwargs ?? default(JsonElement), out var invocation) is { } refused)
        {
            return refused;
        }

        var aspect = invocation.Aspect;
        if (request.Stream is { } asked && asked != aspect.IsStream && !aspect.IsTurn)
        {
            return Problem.Invalid(422, "stream", aspect.IsStream ? "must be true or left out: this path answers with a stream" : "must be false or left out: this path answers at once");
        }

        var isStream = request.Stream ?? aspect.IsStream;
        if (isStream && await streams.OpenAsync(http, invocation.Tenant) is { } full)
        {
            return full;
        }

        var answer = await Invoker.InvokeAsync(invocation with { Key = key }, cancellationToken);
        return answer switch
        {
            AgenteseAnswer.Streamed streamed => streamed.Stream,
            AgenteseAnswer.Asked followed when isStream => await messages.AnswerAsync(followed.Acceptance, followed.Message, stream: true, onDisconnect: null, cancellationToken),
            _ => (await reply.TellAsync(invocation, answer, cancellationToken)).Http,
        };
    }

    private static async Task<IResult> Compose(ComposeRequest request, HttpContext http, Composer composer, CancellationToken cancellationToken)
    {
        if ((IdempotencyKey.Read(http.Request.Headers, out var key) ?? ReadKwargs(request.Kwargs) ?? ReadText("paths", request.Paths) ?? ReadText("input", request.Input)) is { } notRead)
        {
            return notRead;
        }

        return composer.Prepare(http, request, out var steps) is { } refused ? refused : await composer.RunAsync(steps, key, cancellationToken);
    }

    private static ProblemHttpResult? ReadKwargs(JsonElement? kwargs) =>
        kwargs is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Null } ? ReadText("kwargs", kwargs) : Problem.Invalid(422, "kwargs", "must be an object");

    private static ProblemHttpResult? ReadText(string field, JsonElement? json) => JsonText.IsWhole(json) ? null : Problem.Invalid(400, field, "has half a surrogate pair, which is no character");
}
