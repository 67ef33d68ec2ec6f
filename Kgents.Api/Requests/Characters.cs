using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>The eigenvectors that a request sets; the others stay K-gent's.</summary>
internal static class Characters
{
    /// <summary>Null when they could be read, or there are none; <paramref name="character"/> is null when nothing is set.</summary>
    public static ProblemHttpResult? Read(IReadOnlyDictionary<string, double>? values, out Eigenvectors? character)
    {
        character = null;
        foreach (var (name, value) in values ?? new Dictionary<string, double>())
        {
            if (!(value is >= 0 and <= 1))
            {
                return Problem.Invalid(422, "eigenvectors", "must each be from 0 to 1");
            }

            character = (character ?? Eigenvectors.Default).With(name, value);
            if (character is null)
            {
                return Problem.Invalid(422, "eigenvectors", $"must be of {string.Join(", ", Eigenvectors.Names)}");
            }
        }

        return null;
    }
}
