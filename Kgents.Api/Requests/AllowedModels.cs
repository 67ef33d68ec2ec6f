using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Requests;

/// <summary>The models that a session or a message may ask for, by the same setting as the workers: <c>Model:Allowed</c>.</summary>
internal sealed class AllowedModels(IConfiguration configuration)
{
    private readonly IReadOnlyList<string> names = ModelNames.Parse(configuration[ModelNames.SettingName] ?? "");

    /// <summary>Null when the model may be asked for, or none is. Names are compared as they are: to a provider, case counts.</summary>
    public ProblemHttpResult? Validate(string? model) => model is null || names.Contains(model) ? null : Problem.Invalid(
        422, "model", names.Count == 0 ? "must be left out: there is no choice of models here" : $"must be one of {string.Join(", ", names)}");
}
