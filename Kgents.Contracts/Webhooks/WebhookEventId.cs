using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>An event that webhooks are told of: <c>e-{32 hex digits}</c>. It is the <c>webhook-id</c> of every try to deliver it.</summary>
[JsonConverter(typeof(IdJsonConverter<WebhookEventId>))]
public readonly record struct WebhookEventId : IParsable<WebhookEventId>
{
    private readonly string? value;

    private WebhookEventId(string value) => this.value = value;

    public static WebhookEventId Parse(string s, IFormatProvider? provider = null) => new(IdSyntax.Require(s, IdSyntax.WebhookEvent.IsMatch(s), "webhook event"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out WebhookEventId result)
    {
        var valid = s is not null && IdSyntax.WebhookEvent.IsMatch(s);
        result = valid ? new WebhookEventId(s!) : default;
        return valid;
    }

    /// <summary>The same for the same parts: whoever comes to the same event again comes to the same id.</summary>
    public static WebhookEventId Of(params ReadOnlySpan<string> parts) => Parse($"e-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('|', parts))))[..32]}");

    /// <summary>Of an event that there is only once.</summary>
    public static WebhookEventId New(TimeProvider time) => Parse($"e-{Guid.CreateVersion7(time.GetUtcNow()):n}");

    public override string ToString() => value ?? throw new InvalidOperationException("This webhook event id was never set.");
}
