using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.Json;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Soul;

/// <summary>An operation to be judged. Of <paramref name="Context"/>, <c>reason</c> and <c>severity</c> are read.</summary>
internal sealed record GovernanceRequest([property: Required] string? Action, JsonElement? Context, string? Budget)
{
    private const double UsualSeverity = 0.5;

    /// <summary>Null when the operation could be read.</summary>
    public ProblemHttpResult? Read(int maxBytes, out ProposedAction? proposed)
    {
        proposed = null;
        if (string.IsNullOrWhiteSpace(Action))
        {
            return Problem.Invalid(422, "action", "must not be empty");
        }

        if (Context is { ValueKind: not JsonValueKind.Object })
        {
            return Problem.Invalid(422, "context", "must be an object");
        }

        var reason = Find("reason");
        if (reason is { ValueKind: not JsonValueKind.String })
        {
            return Problem.Invalid(422, "context", "reason must be text");
        }

        var severity = UsualSeverity;
        if (Find("severity") is { } given && !(given.ValueKind == JsonValueKind.Number && given.TryGetDouble(out severity) && severity is >= 0 and <= 1))
        {
            return Problem.Invalid(422, "context", "severity must be a number from 0 to 1");
        }

        if (Budget is not null && BudgetTiers.Find(Budget) is null)
        {
            return Budgets.Unknown;
        }

        proposed = new ProposedAction(Action, reason?.GetString(), severity);
        return Encoding.UTF8.GetByteCount(Action) + Encoding.UTF8.GetByteCount(proposed.Reason ?? "") > maxBytes
            ? Problem.Invalid(422, "action", $"must not be longer than {maxBytes} bytes of UTF-8 with its reason")
            : null;
    }

    private JsonElement? Find(string name) =>
        Context is { ValueKind: JsonValueKind.Object } context && context.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}

/// <summary>What the soul thinks of the operation. <paramref name="TokensUsed"/> is what the provider reported.</summary>
internal sealed record GovernanceResponse(
    bool Approved,
    string Reasoning,
    IReadOnlyList<string> Alternatives,
    double Confidence,
    long TokensUsed,
    string Recommendation,
    IReadOnlyList<string> Principles,
    string Model,
    SessionId SessionId,
    TurnId TurnId);
