using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.OpenApi;

/// <summary>What the document of the API says of an endpoint, besides what its route, its scope and its parameters say by themselves.</summary>
/// <param name="Id">Clients that are generated from the document name their methods so.</param>
internal sealed record Operation(string Id, string Summary)
{
    /// <summary>A body that the endpoint takes.</summary>
    public object? Example { get; init; }

    /// <summary>What it answers when all is well.</summary>
    public required IReadOnlyList<Answer> Answers { get; init; }

    /// <summary>What may be wrong besides <see cref="CommonProblems"/>.</summary>
    public IReadOnlyList<ProblemHttpResult> Problems { get; init; } = [];

    public IReadOnlyList<string> RequestHeaders { get; init; } = [];
}

/// <summary>An answer with its status; without a <paramref name="Body"/> it has none, or is a stream.</summary>
internal sealed record Answer(int Status, string Text, Type? Body = null)
{
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Of the body; null for that of its type.</summary>
    public object? Example { get; init; }

    /// <summary>The events of <c>text/event-stream</c>, if the answer is one.</summary>
    public IReadOnlyList<StreamEvent>? Events { get; init; }

    /// <summary>An example of the table that the answer may be had as, and without a body is; null where there is none.</summary>
    public string? Csv { get; init; }
}

internal static class OperationSetup
{
    public static TBuilder Describe<TBuilder>(this TBuilder builder, Operation operation)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata([operation, .. operation.Answers.Where(answer => answer.Body is not null).Select(answer => new ProducesResponseTypeMetadata(answer.Status, answer.Body, ["application/json"]))]);
}
