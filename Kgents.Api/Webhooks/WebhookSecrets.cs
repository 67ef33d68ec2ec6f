using System.Security.Cryptography;
using Kgents.Contracts;

namespace Kgents.Api.Webhooks;

/// <summary>Secrets of Standard Webhooks: <c>whsec_</c> and 32 random bytes in base64.</summary>
internal static class WebhookSecrets
{
    public static WebhookSecret Generate() => new($"whsec_{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}");

    /// <summary>The new one first; the one before until it ends, and none that was older.</summary>
    public static IReadOnlyList<WebhookSecret> Rotated(WebhookRecord webhook, WebhookSecret next, DateTimeOffset previousExpiresAt) =>
        [next, webhook.Secrets[0] with { ExpiresAt = previousExpiresAt }];
}
