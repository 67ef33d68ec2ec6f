using System.Buffers.Text;
using System.Security.Cryptography;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>An API key made for one run.</summary>
internal sealed record ApiKey(string Text)
{
    public static ApiKey New() => new($"kg_e2e00_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}");
}
