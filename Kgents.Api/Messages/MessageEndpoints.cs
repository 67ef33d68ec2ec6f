using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Idempotency;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Messages;

/// <summary>Send a message to a session and follow its turn; read what was said.</summary>
internal static class MessageEndpoints
{
    /// <summary>A message may be six times as long in JSON as in UTF-8, and has company.</summary>
    private const int LargestBody = 4 * 1024 * 1024;

    public static void MapMessages(this IEndpointRouteBuilder routes)
    {
        var messages = routes.MapGroup("/v1/kgent/sessions/{sessionId}/messages").WithTags("Messages");
        messages.MapPost("/", PostMessage).Describe(MessageOperations.Post).RequireScope(Scopes.Write).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        messages.MapGet("/", ListMessages).Describe(MessageOperations.List).RequireScope(Scopes.Read);
    }

    private static async Task<IResult> PostMessage(
        string sessionId,
        PostMessageRequest request,
        HttpRequest http,
        ClaimsPrincipal user,
        SessionStore sessions,
        SessionDetailsStore changes,
        MessageInbox inbox,
        MessageReply reply,
        TurnCanceller canceller,
        OpenStreams streams,
        AllowedModels models,
        PlanCatalog plans,
        IOptions<MessageOptions> options,
        IHostApplicationLifetime lifetime,
        CancellationToken cancellationToken)
    {
        if ((IdempotencyKey.Read(http.Headers, out var key) ?? request.Validate(options.Value.MaxBytes) ?? models.Validate(request.Model)) is { } problem)
        {
            return problem;
        }

        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        var tenant = user.Tenant();
        var details = changes.FindAsync(tenant, id, cancellationToken);
        if (await sessions.FindAsync(tenant, id, cancellationToken) is not { } session)
        {
            return Problem.SessionNotFound;
        }

        if (await details is { IsArchived: true })
        {
            return Problem.SessionArchived;
        }

        // Those of the session may have been allowed when it was created, and not any more.
        var model = request.Model ?? session.Model;
        if ((plans.ReadBudget(tenant, request.Budget ?? session.Budget ?? BudgetTiers.Dialogue, out var budget) ?? models.Validate(model) ?? plans.ValidateModel(tenant, model)) is { } notAllowed)
        {
            return notAllowed;
        }

        if ((request.Stream ?? true) && await streams.OpenAsync(http.HttpContext, tenant) is { } full)
        {
            return full;
        }

        var message = new NewMessage(tenant, id, request.Message!, Modes.Find(request.Mode ?? session.Mode)!, request.WhenBusy()!.Value, model)
        {
            Budget = budget,
            TokenQuota = plans.TokenQuotaOf(tenant),
            Key = user.Key(),
            Eigenvectors = session.Eigenvectors,
        };
        var acceptance = await inbox.AcceptAsync(message, key, cancellationToken);
        return await reply.AnswerAsync(
            acceptance, message, request.Stream ?? true, request.CancelsOnDisconnect() ? left => canceller.CancelAsync(left, lifetime.ApplicationStopping) : null, cancellationToken);
    }

    private static async Task<Results<Ok<MessagePage>, ProblemHttpResult>> ListMessages(
        string sessionId, ClaimsPrincipal user, SessionStore sessions, Conversation conversation, CancellationToken cancellationToken, string? limit = null, string? cursor = null)
    {
        if (Paging.Read(limit, cursor, cursorWhenAbsent: 0, out var page) is { } problem)
        {
            return problem;
        }

        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        var tenant = user.Tenant();
        return await sessions.FindAsync(tenant, id, cancellationToken) is null
            ? Problem.SessionNotFound
            : TypedResults.Ok(await conversation.ReadAsync(tenant, id, page.Limit, page.Cursor, cancellationToken));
    }
}
