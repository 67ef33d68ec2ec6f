using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>How events are brought to webhooks.</summary>
public sealed class WebhookDeliveryOptions
{
    public const string SectionName = "Webhooks";

    /// <summary>Networks in CIDR form, with commas between them, to which webhooks may be sent though they are not of the public Internet. Without it none may.</summary>
    public string AllowedNetworks { get; set; } = "";

    /// <summary>Pauses before each try, with commas between them: the first after the event, each other after the try before it. There are as many tries. Each is made longer at random, by a tenth at most.</summary>
    public string Schedule { get; set; } = "00:00:00,00:00:05,00:05:00,00:30:00,02:00:00,05:00:00,10:00:00,14:00:00,20:00:00,1.00:00:00";

    /// <summary>How long a receiver may take to answer.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The longest pause that a receiver's <c>Retry-After</c> can bring about.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3.00:00:00")]
    public TimeSpan LongestRetryAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Deliveries that a replica sends at once.</summary>
    [Range(1, 10_000)]
    public int Concurrency { get; set; } = 64;

    /// <summary>Deliveries to one webhook that a replica sends at once: a slow receiver holds up no more than so many places.</summary>
    [Range(1, 1_000)]
    public int ConcurrencyPerWebhook { get; set; } = 2;

    /// <summary>Deliveries to all webhooks of one tenant that a replica sends at once: a tenant whose receivers are slow leaves places for the others.</summary>
    [Range(1, 1_000)]
    public int ConcurrencyPerTenant { get; set; } = 8;

    /// <summary>Age of usage that OpenMeter does not show, at which its tenant is told.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "7.00:00:00")]
    public TimeSpan DelayedAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How often a replica looks whether a new month has begun for somebody who waits for it.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan ResetInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The networks of <see cref="AllowedNetworks"/>.</summary>
    internal IReadOnlyList<IPNetwork> ReadNetworks() => [.. Parts(AllowedNetworks).Select(IPNetwork.Parse)];

    /// <summary>The pauses of <see cref="Schedule"/>.</summary>
    internal IReadOnlyList<TimeSpan> ReadSchedule() => [.. Parts(Schedule).Select(pause => TimeSpan.Parse(pause, CultureInfo.InvariantCulture))];

    internal static string[] Parts(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

[OptionsValidator]
internal sealed partial class WebhookDeliveryOptionsValidator : IValidateOptions<WebhookDeliveryOptions>;

/// <summary>Refuses lists that cannot be read, by the name of the setting.</summary>
internal sealed class WebhookListsValidator : IValidateOptions<WebhookDeliveryOptions>
{
    public ValidateOptionsResult Validate(string? name, WebhookDeliveryOptions options)
    {
        if (WebhookDeliveryOptions.Parts(options.AllowedNetworks).FirstOrDefault(part => !IPNetwork.TryParse(part, out _)) is { } network)
        {
            return ValidateOptionsResult.Fail($"Webhooks:AllowedNetworks has '{network}', which is no network: it must be as 10.1.0.0/16.");
        }

        var pauses = WebhookDeliveryOptions.Parts(options.Schedule);
        return pauses.Length > 0 && pauses.All(pause => TimeSpan.TryParse(pause, CultureInfo.InvariantCulture, out var span) && span >= TimeSpan.Zero && span <= TimeSpan.FromDays(7))
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail("Webhooks:Schedule must be one pause or more, as 00:05:00, of at most seven days each.");
    }
}
