using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Keys;

/// <summary>The same for a tenant's own keys and, by the operator, for those of any tenant.</summary>
internal sealed class KeyOperations
{
    public static KeyOperations OfOwn { get; } = new("", "of one's own tenant");

    public static KeyOperations OfTenant { get; } = new("Tenant", "of a tenant");

    private KeyOperations(string whose, string of)
    {
        Create = new($"create{whose}Key", $"Create a key {of}")
        {
            Example = new CreateKeyRequest("build server", [Scopes.Read, Scopes.Write], ExpiresAt: new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero), RequestsPerMinute: 60, RequestsPerDay: 1_000),
            Answers = [new(201, "The key: `key` is in no other answer.", typeof(KeyResponse)) { Example = AnswerExamples.Key with { LastUsedAt = null, Key = $"kg_exmpl_{new string('A', 43)}" } }],
            Problems = [Problem.TooManyKeys(1_000), Problem.AboveOwnLimit("requests_per_day", 1_000), Invalid],
        };
        List = new($"list{whose}Keys", $"List the keys {of}, oldest first") { Answers = [new(200, "All keys, revoked and expired ones too.", typeof(KeyPage))] };
        Change = new($"change{whose}Key", $"Change a key {of}; what is left out stays")
        {
            Example = new ChangeKeyRequest("old build server", [Scopes.Read], ExpiresAt: null, RequestsPerMinute: 0, RequestsPerDay: null),
            Answers = [new(200, "The key, changed.", typeof(KeyResponse))],
            Problems = [Problem.AboveOwnLimit("requests_per_day", 1_000), Invalid],
        };
        Revoke = new($"revoke{whose}Key", $"Revoke a key {of}, for ever") { Answers = [new(204, "It is revoked.")] };
    }

    public Operation Create { get; }

    public Operation List { get; }

    public Operation Change { get; }

    public Operation Revoke { get; }

    private static ProblemHttpResult Invalid => Problem.Invalid(422, "scopes", $"must be some of {string.Join(", ", Scopes.All)}");
}
