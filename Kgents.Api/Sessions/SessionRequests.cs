using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Sessions;

/// <summary>The body of a new session; all of it may be left out.</summary>
internal sealed record CreateSessionRequest(
    string? Title, string? Mode, string? Model, string? Budget, IReadOnlyDictionary<string, double>? Eigenvectors, Dictionary<string, string>? Metadata)
{
    public ProblemHttpResult? Validate() => SessionFields.Validate(Title, Metadata);
}

/// <summary>What is to change of a session; what is left out stays, and an empty title takes it away.</summary>
/// <param name="Status"><c>active</c> or <c>archived</c>.</param>
internal sealed record ChangeSessionRequest(string? Title, string? Status, Dictionary<string, string>? Metadata)
{
    public ProblemHttpResult? Validate() =>
        Status is not (null or SessionStatuses.Active or SessionStatuses.Archived) ? Problem.Invalid(422, "status", $"must be {SessionStatuses.Active} or {SessionStatuses.Archived}")
        : SessionFields.Validate(Title, Metadata);

    public SessionDetails ApplyTo(SessionRecord record, SessionDetails? before) => new(
        Title is null ? before is null ? record.Title : before.Title : Title.Length == 0 ? null : Title,
        Status is null ? before?.IsArchived ?? false : Status == SessionStatuses.Archived,
        Metadata ?? before?.Metadata);
}

/// <summary>What a session can be, as clients name it.</summary>
internal static class SessionStatuses
{
    public const string Active = "active";

    /// <summary>Kept and shown, and it takes no messages.</summary>
    public const string Archived = "archived";

    public static IReadOnlyList<string> All { get; } = [Active, Archived];
}

/// <summary>What both may hold.</summary>
internal static class SessionFields
{
    private const int LongestTitle = 200;
    private const int MostMetadata = 16;
    private const int LongestName = 64;
    private const int LongestValue = 512;

    public static ProblemHttpResult? Validate(string? title, Dictionary<string, string>? metadata) =>
        title is { Length: > LongestTitle } ? Problem.Invalid(422, "title", $"must not be longer than {LongestTitle} characters")
        : metadata is not null && (metadata.Count > MostMetadata || metadata.Any(each => each.Key.Length is 0 or > LongestName || each.Value is null or { Length: > LongestValue }))
            ? Problem.Invalid(422, "metadata", $"must be at most {MostMetadata} texts of at most {LongestValue} characters, with names of 1 to {LongestName}")
        : null;
}
