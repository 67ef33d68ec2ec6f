using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Kgents.Api.Authentication;
using Kgents.Api.Idempotency;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.OpenApi;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Sessions;
using Kgents.Contracts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Soul;

/// <summary>Ask the soul once: for an answer, or for a judgement of an operation.</summary>
internal static class SoulEndpoints
{
    private const int LargestBody = 4 * 1024 * 1024;

    public static void MapSoul(this IEndpointRouteBuilder routes)
    {
        var soul = routes.MapGroup("/v1/soul").RequireScope(Scopes.Write).WithTags("Soul").WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        soul.MapPost("/dialogue", Dialogue).Describe(SoulOperations.Dialogue);
        soul.MapPost("/governance", Govern).Describe(SoulOperations.Govern);
    }

    private static async Task<IResult> Dialogue(
        DialogueRequest request, HttpRequest http, ClaimsPrincipal user, SoulTurns turns, PlanCatalog plans, IOptions<MessageOptions> options, CancellationToken cancellationToken)
    {
        if (IdempotencyKey.Read(http.Headers, out var key) is { } problem)
        {
            return problem;
        }

        if (request.Prompt is not { } prompt)
        {
            return Problem.Invalid(422, "prompt", "must be there; it may be empty");
        }

        if (Encoding.UTF8.GetByteCount(prompt) > options.Value.MaxBytes)
        {
            return Problem.Invalid(422, "prompt", $"must not be longer than {options.Value.MaxBytes} bytes of UTF-8");
        }

        if (Modes.Find(request.Mode ?? DialogueModes.Reflect) is not { } mode)
        {
            return Modes.Unknown;
        }

        if (plans.ReadBudget(user.Tenant(), request.Budget, out var budget) is { } notABudget)
        {
            return notABudget;
        }

        var tenant = user.Tenant();
        var session = new NewSession(Title: null, mode, Model: null, budget, Eigenvectors: null);
        return await turns.AskAsync(
            tenant,
            key,
            session,
            id => new NewMessage(tenant, id, prompt, mode, BusyPolicy.Reject) { Budget = budget, TokenQuota = plans.TokenQuotaOf(tenant), Key = user.Key() },
            (turn, text, tokens, model) =>
            {
                var (preferences, patterns) = Persona.ReferencesIn(prompt);
                return TypedResults.Ok(new DialogueResponse(text, mode, budget, Eigenvectors.Default.Values(), tokens.Total, preferences, patterns, model, turn.Session, turn.Turn));
            },
            cancellationToken);
    }

    private static async Task<IResult> Govern(
        GovernanceRequest request, HttpRequest http, ClaimsPrincipal user, SoulTurns turns, PlanCatalog plans, IOptions<MessageOptions> options, CancellationToken cancellationToken)
    {
        if (IdempotencyKey.Read(http.Headers, out var key) is { } notAKey)
        {
            return notAKey;
        }

        if (request.Read(options.Value.MaxBytes, out var proposed) is { } problem)
        {
            return problem;
        }

        if (plans.ReadBudget(user.Tenant(), request.Budget, out var budget) is { } notABudget)
        {
            return notABudget;
        }

        var tenant = user.Tenant();
        var text = JsonSerializer.Serialize(proposed!, WireJson.Default.ProposedAction);
        return await turns.AskAsync(
            tenant,
            key,
            new NewSession(Title: null, DialogueModes.Reflect, Model: null, budget, Eigenvectors: null) { AgentType = MessageKinds.Governance },
            id => new NewMessage(tenant, id, text, DialogueModes.Reflect, BusyPolicy.Reject) { Kind = MessageKinds.Governance, Budget = budget, TokenQuota = plans.TokenQuotaOf(tenant), Key = user.Key() },
            (turn, answer, tokens, model) =>
            {
                var judged = JsonSerializer.Deserialize(answer, WireJson.Default.Judgement)!;
                return TypedResults.Ok(new GovernanceResponse(
                    judged.Approved, judged.Reasoning, judged.Alternatives, judged.Confidence, tokens.Total, judged.Recommendation, judged.Principles, model, turn.Session, turn.Turn));
            },
            cancellationToken);
    }
}
