using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>Signatures of Standard Webhooks 1.0.0: <c>v1,</c> and the HMAC-SHA256 of <c>{id}.{seconds}.{body}</c> in base64.</summary>
internal static class WebhookSignature
{
    private const string SecretPrefix = "whsec_";

    /// <param name="secrets">Each signs; the receiver is content when one of them is its own.</param>
    public static string Sign(IEnumerable<string> secrets, string id, DateTimeOffset at, string body)
    {
        var content = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{at.ToUnixTimeSeconds()}.{body}"));
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(KeyOf(secret), content))}"));
    }

    private static byte[] KeyOf(string secret) =>
        Convert.FromBase64String(secret.StartsWith(SecretPrefix, StringComparison.Ordinal) ? secret[SecretPrefix.Length..] : secret);
}
