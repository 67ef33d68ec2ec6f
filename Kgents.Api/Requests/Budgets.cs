using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>The budget that a request names.</summary>
internal static class Budgets
{
    public static ProblemHttpResult Unknown => Problem.Invalid(422, "budget", $"must be one of {string.Join(", ", BudgetTiers.All)}");
}
