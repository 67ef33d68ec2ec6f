using Kgents.Api.Authentication;
using System.Text;
using System.Text.Json.Nodes;
using Kgents.Api.Messages;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Sessions;
using Kgents.Api.Soul;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>What a path asks the soul.</summary>
/// <param name="Tell">Makes the result from what the soul says; null when that has not the form that was asked for.</param>
internal sealed record SoulQuestion(string Text, string Mode, Func<string, JsonNode?> Tell);

/// <summary>Asks the soul for a path: a turn like any other, in a session that is there or is made for it.</summary>
internal sealed class SoulQuestions(
    SessionStore sessions, SessionDetailsStore changes, MessageInbox inbox, SoulTurns soul, AllowedModels models, PlanCatalog plans, IOptions<MessageOptions> options)
{
    /// <summary>Who answers in the sessions that are made for paths.</summary>
    public const string AgentType = "agentese";

    /// <summary>What the soul said, as it is.</summary>
    public static JsonNode? Whole(string text) => new JsonObject { ["text"] = text };

    /// <summary>In a session that is made for the question.</summary>
    public async Task<AgenteseAnswer> AskAsync(Invocation invocation, SoulQuestion question, CancellationToken cancellationToken)
    {
        if (TooLong(question) is { } tooLong)
        {
            return new AgenteseAnswer.Refused(tooLong);
        }

        if (plans.ReadBudget(invocation.Tenant, invocation.Arguments.Text("budget"), out var budget) is { } notABudget)
        {
            return new AgenteseAnswer.Refused(notABudget);
        }

        var session = new NewSession(Title: null, question.Mode, Model: null, budget, Eigenvectors: null) { AgentType = AgentType };
        var (acceptance, message) = await soul.AcceptAsync(
            invocation.Tenant, invocation.Key, session, id => MessageOf(invocation, question, id, budget, BusyPolicy.Reject), cancellationToken);
        return new AgenteseAnswer.Asked(acceptance, message, question.Tell);
    }

    /// <summary>In a session that is made once there is room for the turn; null when another request made one instead.</summary>
    public async Task<AgenteseAnswer?> TryAskAsync(
        Invocation invocation, SessionId id, SoulQuestion question, string budget, Func<CancellationToken, Task<bool>> tryMakeAsync, CancellationToken cancellationToken)
    {
        var isMade = true;
        var message = MessageOf(invocation, question, id, budget, BusyPolicy.Enqueue) with { PrepareAsync = MakeAsync };
        var acceptance = await inbox.AcceptAsync(message, invocation.Key, cancellationToken);
        return isMade ? new AgenteseAnswer.Asked(acceptance, message, question.Tell) : null;

        async Task<Acceptance?> MakeAsync(CancellationToken accepting) => (isMade = await tryMakeAsync(accepting)) ? null : new Acceptance.SessionGone();
    }

    /// <summary>In a session of the tenant's.</summary>
    public async Task<AgenteseAnswer> AskAsync(Invocation invocation, SessionId id, SoulQuestion question, BusyPolicy whenBusy, CancellationToken cancellationToken)
    {
        if (TooLong(question) is { } tooLong)
        {
            return new AgenteseAnswer.Refused(tooLong);
        }

        var tenant = invocation.Tenant;
        if (await sessions.FindAsync(tenant, id, cancellationToken) is not { } session)
        {
            return new AgenteseAnswer.Refused(Problem.SessionNotFound);
        }

        if (await changes.FindAsync(tenant, id, cancellationToken) is { IsArchived: true })
        {
            return new AgenteseAnswer.Refused(Problem.SessionArchived);
        }

        var asked = invocation.Arguments.Text("budget") ?? session.Budget ?? BudgetTiers.Dialogue;
        if ((plans.ReadBudget(tenant, asked, out var budget) ?? models.Validate(session.Model) ?? plans.ValidateModel(tenant, session.Model)) is { } notAllowed)
        {
            return new AgenteseAnswer.Refused(notAllowed);
        }

        var message = MessageOf(invocation, question, id, budget, whenBusy) with { Model = session.Model, Eigenvectors = session.Eigenvectors };
        return new AgenteseAnswer.Asked(await inbox.AcceptAsync(message, invocation.Key, cancellationToken), message, question.Tell);
    }

    /// <summary>Null when the question may be asked.</summary>
    public ProblemHttpResult? TooLong(SoulQuestion question) => Encoding.UTF8.GetByteCount(question.Text) <= options.Value.MaxBytes ? null
        : Problem.Invalid(422, $"kwargs.{Parameter.InputName}", $"is too long: with what the path adds it must not be longer than {options.Value.MaxBytes} bytes of UTF-8");

    private NewMessage MessageOf(Invocation invocation, SoulQuestion question, SessionId session, string budget, BusyPolicy whenBusy) => new(invocation.Tenant, session, question.Text, question.Mode, whenBusy)
    {
        Key = invocation.User.Key(),
        Budget = budget,
        TokenQuota = plans.TokenQuotaOf(invocation.Tenant),
        Path = invocation.Path.Bare,
        Archetype = invocation.Archetype.Name,
    };
}
