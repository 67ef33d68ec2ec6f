using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Problems;

/// <summary>What can be wrong with a path of AGENTESE, before anything is done for it.</summary>
internal static partial class Problem
{
    public static ProblemHttpResult PathSyntax(string reason, int position, string? suggestion) => Create(
        400, "agentese-syntax", "This is not a path", reason, ("position", position), ("suggestion", suggestion));

    public static ProblemHttpResult PathNotFound(string reason, int position, string? suggestion) => Create(
        404, "agentese-not-found", "There is nothing at this path", reason, ("position", position), ("suggestion", suggestion));

    public static ProblemHttpResult AffordanceDenied(string aspect, string archetype, IReadOnlyList<string> available) => Create(
        403, "agentese-affordance-denied", "This archetype cannot do this here", $"'{aspect}' is another archetype's; {archetype} can {string.Join(", ", available)}.", ("archetype", archetype), ("available", available));

    public static ProblemHttpResult ArchetypeDenied(string asked, string role, IReadOnlyList<string> available) => Create(
        403, "agentese-archetype-denied", "The key may not look as this archetype", $"Its role is {role}, and '{asked}' is a greater one.", ("archetype", role), ("available", available));

    public static ProblemHttpResult EntropyExhausted(decimal remaining) => Create(
        402, "agentese-budget-exhausted", "Too little entropy is left", "Pour some back, or offer a tithe.", ("remaining", remaining));

    public static ProblemHttpResult LawViolated(string law, string reason) => Create(422, "agentese-law-violation", "A law of AGENTESE does not hold", reason, ("law", law));

    /// <summary>The turn was answered, and is counted as any other: only the answer is not what was asked for.</summary>
    public static ProblemHttpResult AnswerUnreadable(TurnId turn) => Create(
        502, "agentese-answer-unreadable", "The answer has not the form that was asked for", "It is among the messages of its session, and was counted. Ask again.", ("turn_id", turn.ToString()));

    public static ProblemHttpResult CompositionInvalid(int step, string reason) => Create(422, "agentese-composition", "These paths do not compose", reason, ("step", step));
}
