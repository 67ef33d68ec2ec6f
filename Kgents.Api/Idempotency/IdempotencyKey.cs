using System.Security.Cryptography;
using System.Text;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Idempotency;

/// <summary>The client's name for one request, so that it may send it again: the header <c>Idempotency-Key</c>.</summary>
internal sealed class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    private const int Longest = 255;

    private readonly string text;

    private IdempotencyKey(string text) => this.text = text;

    /// <summary>Null when the header is right or not there; then there is no key.</summary>
    public static ProblemHttpResult? Read(IHeaderDictionary headers, out IdempotencyKey? key)
    {
        key = null;
        if (!headers.TryGetValue(Header, out var values))
        {
            return null;
        }

        if (values is not [{ Length: > 0 and <= Longest } text] || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return Problem.Invalid(400, Header, $"must be 1 to {Longest} visible ASCII characters");
        }

        key = new IdempotencyKey(text);
        return null;
    }

    /// <summary>The name of one part of the request. No client can write a line break, so it is no other key.</summary>
    public IdempotencyKey Part(int number) => new($"{text}\n{number}");

    /// <summary>What the client wrote.</summary>
    public override string ToString() => text;

    /// <summary>
    /// The KV key of this key in a session. Tenants and sessions hold no line break, so no two of them share a hash, and nothing that a client
    /// wrote enters a subject.
    /// </summary>
    public string EntryKey(TenantId tenant, SessionId session) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{tenant}\n{session}\n{text}")));
}
