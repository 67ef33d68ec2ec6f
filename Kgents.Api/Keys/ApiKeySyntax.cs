using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Kgents.Api.Keys;

/// <summary>The form of an API key: <c>kg_</c>, five characters to recognise it by, <c>_</c>, and 32 random bytes in URL-safe base64.</summary>
internal static partial class ApiKeySyntax
{
    private const string PrefixAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

    public static string Generate() =>
        $"kg_{RandomNumberGenerator.GetString(PrefixAlphabet, 5)}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";

    public static bool IsValid(string key) => Form.IsMatch(key);

    public static string PrefixOf(string key) => key[..8];

    /// <summary>What is stored and looked up instead of the key. The key has 256 random bits, so a plain hash is enough.</summary>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    [GeneratedRegex("^kg_[a-z0-9]{5}_[A-Za-z0-9_-]{43}\\z")]
    private static partial Regex Form { get; }
}
