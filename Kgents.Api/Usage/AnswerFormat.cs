using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Usage;

/// <summary>JSON or CSV: as <c>format</c> says, or else as <c>Accept</c> does.</summary>
internal static class AnswerFormat
{
    private const string Json = "json";
    private const string CsvName = "csv";

    public static IReadOnlyList<string> All { get; } = [Json, CsvName];

    /// <summary>Null when it could be read.</summary>
    public static ProblemHttpResult? Read(HttpRequest request, string? format, out bool isCsv)
    {
        isCsv = format is null ? PrefersCsv(request) : format == CsvName;
        return format is null or Json or CsvName ? null : Problem.Invalid(400, "format", $"must be {Json} or {CsvName}");
    }

    /// <summary>What is liked as much as CSV, and named first, goes before it.</summary>
    private static bool PrefersCsv(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Where(each => each.Quality is not 0).OrderByDescending(each => each.Quality ?? 1)
            .FirstOrDefault(each => each.MediaType.Value is Csv.MediaType or "application/json" or "application/*" or "*/*")?.MediaType == Csv.MediaType;
}
