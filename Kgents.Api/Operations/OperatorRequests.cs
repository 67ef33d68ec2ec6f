using System.ComponentModel.DataAnnotations;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Operations;

/// <summary>Why something is decided: it stands in the ledger.</summary>
internal sealed record DecisionRequest([property: Required] string? Reason)
{
    public ProblemHttpResult? Validate() => OperatorFields.Validate("reason", Reason);
}

/// <summary>What is taken back of a usage event; without <paramref name="Quantities"/> all that is left.</summary>
/// <param name="Reference">The operator's own name for it: the same one again is the same correction.</param>
/// <param name="Quantities">How much of each, as decimal strings.</param>
internal sealed record CorrectUsageRequest([property: Required] string? Reason, [property: Required] string? Reference, IReadOnlyDictionary<string, string>? Quantities)
{
    private const int MostQuantities = 10;

    public ProblemHttpResult? Validate() => OperatorFields.Validate("reason", Reason) ?? OperatorFields.Validate("reference", Reference)
        ?? (Quantities is { Count: 0 or > MostQuantities } || Quantities?.Values.Any(text => text is null) is true ? Problem.Invalid(422, "quantities", $"must be 1 to {MostQuantities} decimal strings by their names") : null);
}

internal static class OperatorFields
{
    private const int Longest = 200;

    public static ProblemHttpResult? Validate(string name, string? text) =>
        string.IsNullOrWhiteSpace(text) || text.Length > Longest ? Problem.Invalid(422, name, $"must be 1 to {Longest} characters and not blank") : null;
}
