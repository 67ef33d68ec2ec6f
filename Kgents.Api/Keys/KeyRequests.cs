using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Keys;

/// <summary>A new key. Without <paramref name="Scopes"/> it may read and write; without <paramref name="ExpiresAt"/> it does not expire; its own limits are besides its tenant's.</summary>
internal sealed record CreateKeyRequest([property: Required] string? Name, string[]? Scopes, [property: JsonConverter(typeof(OffsetTimeConverter))] DateTimeOffset? ExpiresAt, long? RequestsPerMinute, long? RequestsPerDay)
{
    public ProblemHttpResult? Validate() => Name is null ? Problem.Invalid(422, "name", "is missing") : KeyFields.Validate(Name, Scopes, RequestsPerMinute, RequestsPerDay);
}

/// <summary>What is to change of a key; what is left out stays.</summary>
internal sealed record ChangeKeyRequest(string? Name, string[]? Scopes, [property: JsonConverter(typeof(OffsetTimeConverter))] DateTimeOffset? ExpiresAt, long? RequestsPerMinute, long? RequestsPerDay)
{
    public ProblemHttpResult? Validate() => KeyFields.Validate(Name, Scopes, RequestsPerMinute, RequestsPerDay);
}

/// <summary>What both may hold.</summary>
internal static class KeyFields
{
    private const int LongestName = 200;

    public static ProblemHttpResult? Validate(string? name, string[]? scopes, long? perMinute, long? perDay)
    {
        if (name is not null && (string.IsNullOrWhiteSpace(name) || name.Length > LongestName))
        {
            return Problem.Invalid(422, "name", $"must be 1 to {LongestName} characters and not blank");
        }

        if (perMinute < 0 || perDay < 0)
        {
            return Problem.Invalid(422, perMinute < 0 ? "requests_per_minute" : "requests_per_day", "must be 0, for no limit of its own, or more");
        }

        return scopes is not null && (scopes.Length == 0 || scopes.Except(Keys.Scopes.All).Any())
            ? Problem.Invalid(422, "scopes", $"must be some of {string.Join(", ", Keys.Scopes.All)}")
            : null;
    }
}
