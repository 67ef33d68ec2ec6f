using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>An endpoint of a tenant's that is told of events: <c>w-{32 hex digits}</c>.</summary>
[JsonConverter(typeof(IdJsonConverter<WebhookId>))]
public readonly record struct WebhookId : IParsable<WebhookId>
{
    private readonly string? value;

    private WebhookId(string value) => this.value = value;

    public static WebhookId Parse(string s, IFormatProvider? provider = null) => new(IdSyntax.Require(s, IdSyntax.Webhook.IsMatch(s), "webhook"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out WebhookId result)
    {
        var valid = s is not null && IdSyntax.Webhook.IsMatch(s);
        result = valid ? new WebhookId(s!) : default;
        return valid;
    }

    public static WebhookId New(TimeProvider time) => Parse($"w-{Guid.CreateVersion7(time.GetUtcNow()):n}");

    public override string ToString() => value ?? throw new InvalidOperationException("This webhook id was never set.");
}
