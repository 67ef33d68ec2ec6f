using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Webhooks;

/// <summary>What tenants may set as webhooks.</summary>
public sealed class WebhookOptions
{
    public const string SectionName = "Webhooks";

    /// <summary>Whether events may go over plain HTTP, where who is in between can read them.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Webhooks that a tenant may have.</summary>
    [Range(0, 1_000)]
    public int MaxPerTenant { get; set; } = 10;

    /// <summary>How long events are signed with the secret before, too, after a new one was made, unless the request says otherwise.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan RotationOverlap { get; set; } = TimeSpan.FromHours(24);
}

[OptionsValidator]
internal sealed partial class WebhookOptionsValidator : IValidateOptions<WebhookOptions>;
