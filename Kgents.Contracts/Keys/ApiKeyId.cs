using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>Names a key without being one: <c>k-</c> and half of the hash by which the key is stored.</summary>
[JsonConverter(typeof(IdJsonConverter<ApiKeyId>))]
public readonly record struct ApiKeyId : IParsable<ApiKeyId>
{
    private readonly string? value;

    private ApiKeyId(string value) => this.value = value;

    /// <param name="hash">The SHA-256 of a key, in hex.</param>
    public static ApiKeyId OfHash(string hash) => Parse($"k-{hash[..32]}");

    public static ApiKeyId Parse(string s, IFormatProvider? provider = null) => new(IdSyntax.Require(s, IdSyntax.ApiKey.IsMatch(s), "key"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ApiKeyId result)
    {
        var valid = s is not null && IdSyntax.ApiKey.IsMatch(s);
        result = valid ? new ApiKeyId(s!) : default;
        return valid;
    }

    public override string ToString() => value ?? throw new InvalidOperationException("This key id was never set.");
}
