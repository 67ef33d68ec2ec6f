using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>Who owns sessions and is billed: <c>[a-z0-9-]{1,40}</c>.</summary>
[JsonConverter(typeof(IdJsonConverter<TenantId>))]
public readonly record struct TenantId : IParsable<TenantId>
{
    private readonly string? value;

    private TenantId(string value) => this.value = value;

    public static TenantId Parse(string s, IFormatProvider? provider = null) =>
        new(IdSyntax.Require(s, IdSyntax.Tenant.IsMatch(s), "tenant"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out TenantId result)
    {
        var valid = s is not null && IdSyntax.Tenant.IsMatch(s);
        result = valid ? new TenantId(s!) : default;
        return valid;
    }

    public override string ToString() => value ?? throw new InvalidOperationException("This tenant id was never set.");
}
