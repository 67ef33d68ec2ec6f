using System.Text.Json.Serialization;

namespace Kgents.Bench.Report;

/// <summary>A run as JSON.</summary>
internal sealed record BenchReport(Machine Machine, bool Quick, IReadOnlyList<Figure> Figures);

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
