using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>An API key made for one run.</summary>
internal sealed record ApiKey(string Text)
{
    public static ApiKey New() => new($"kg_e2e00_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}");

    /// <summary>What Kgents keeps instead of the key, and under which it finds the record.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    public ApiKeyRecord RecordFor(string tenant) =>
        new(TenantId.Parse(tenant), "end-to-end", Text[..8], ["read", "write"], TimeProvider.System.GetUtcNow());
}
