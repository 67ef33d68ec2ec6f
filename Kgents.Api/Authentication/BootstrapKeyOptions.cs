using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Authentication;

/// <summary>The first admin key of an installation.</summary>
public sealed class BootstrapKeyOptions
{
    public const string SectionName = "Auth";

    /// <summary>The key, <c>kg_xxxxx_…</c>. Without it one is generated at the first start and printed once.</summary>
    [RegularExpression("^kg_[a-z0-9]{5}_[A-Za-z0-9_-]{43}$", ErrorMessage = "Auth:BootstrapKey must be kg_, five of [a-z0-9], _, and 43 URL-safe base64 characters (32 random bytes).")]
    public string? BootstrapKey { get; set; }

    /// <summary>The tenant that the key belongs to. It is the operator's: its keys with the scope <c>admin</c> manage all tenants.</summary>
    [Required]
    [RegularExpression("^[a-z0-9-]{1,40}$", ErrorMessage = "Auth:BootstrapTenant must be 1 to 40 of [a-z0-9-].")]
    public string BootstrapTenant { get; set; } = "default";
}

[OptionsValidator]
internal sealed partial class BootstrapKeyOptionsValidator : IValidateOptions<BootstrapKeyOptions>;
