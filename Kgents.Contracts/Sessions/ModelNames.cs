namespace Kgents.Contracts;

/// <summary>The setting <c>Model:Allowed</c>, which the API and the worker read alike: names of models with commas between them.</summary>
public static class ModelNames
{
    public const string SettingName = "Model:Allowed";

    public static IReadOnlyList<string> Parse(string names) =>
        [.. names.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal)];
}
