using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>The mode that a request names.</summary>
internal static class Modes
{
    public static ProblemHttpResult Unknown => Problem.Invalid(422, "mode", $"must be one of {string.Join(", ", DialogueModes.All)}");

    /// <summary>Null when there is no such mode.</summary>
    public static string? Find(string name) => DialogueModes.Find(name);
}
