using System.ComponentModel.DataAnnotations;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Webhooks;

/// <summary>A new webhook. Without <paramref name="Events"/> it is told of all that there are when it is created.</summary>
internal sealed record CreateWebhookRequest([property: Required] string? Url, string[]? Events, string? Description)
{
    public ProblemHttpResult? Validate(WebhookOptions options) => Url is null ? Problem.Invalid(422, "url", "is missing") : WebhookFields.Validate(Url, Events, Description, options);
}

/// <summary>What is to change of a webhook; what is left out stays, and an empty description takes it away.</summary>
internal sealed record ChangeWebhookRequest(string? Url, string[]? Events, string? Description, bool? Enabled)
{
    public ProblemHttpResult? Validate(WebhookOptions options) => WebhookFields.Validate(Url, Events, Description, options);

    public WebhookRecord ApplyTo(WebhookRecord webhook, DateTimeOffset now) => webhook with
    {
        Url = Url ?? webhook.Url,
        Events = Events?.Distinct().ToArray() ?? webhook.Events,
        Description = Description is null ? webhook.Description : Description.Length == 0 ? null : Description,
        DisabledAt = Enabled switch { true => null, false => webhook.DisabledAt ?? now, null => webhook.DisabledAt },
        DisabledReason = Enabled switch { true => null, false => webhook.DisabledReason ?? WebhookRecord.ByHand, null => webhook.DisabledReason },
    };
}

/// <summary>A new secret; for so many hours events are signed with the one before, too.</summary>
internal sealed record RotateWebhookRequest(int? OverlapHours)
{
    private const int LongestOverlap = 168;

    public ProblemHttpResult? Validate() => OverlapHours is < 0 or > LongestOverlap ? Problem.Invalid(422, "overlap_hours", $"must be 0 to {LongestOverlap}") : null;
}

/// <summary>What they may hold.</summary>
internal static class WebhookFields
{
    private const int LongestUrl = 2_000;
    private const int LongestDescription = 200;
    private const int WellKnownPorts = 1024;

    public static ProblemHttpResult? Validate(string? url, string[]? events, string? description, WebhookOptions options)
    {
        if (url is not null && WhyNot(url, options) is { } reason)
        {
            return Problem.Invalid(422, "url", reason);
        }

        if (description?.Length > LongestDescription)
        {
            return Problem.Invalid(422, "description", $"must be at most {LongestDescription} characters");
        }

        return events is not null && (events.Length == 0 || events.Except(WebhookEventTypes.Choices).Any())
            ? Problem.Invalid(422, "events", $"must be some of {string.Join(", ", WebhookEventTypes.Choices)}")
            : null;
    }

    /// <summary>What can be said of an address without looking it up. Where it leads is checked when something is sent, each time.</summary>
    private static string? WhyNot(string url, WebhookOptions options)
    {
        if (url.Length > LongestUrl)
        {
            return $"must be at most {LongestUrl} characters";
        }

        if (url.Any(character => character is <= ' ' or > '~') || !Uri.TryCreate(url, UriKind.Absolute, out var address) || !(address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && options.AllowHttp)))
        {
            return $"must be an absolute {(options.AllowHttp ? "http or https" : "https")} address, in ASCII";
        }

        if (address.UserInfo.Length > 0 || address.Fragment.Length > 0)
        {
            return "must have no user and no fragment";
        }

        if (address.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            return "must name a host";
        }

        // Those of mail and the like, which HTTP could be mistaken for.
        return address.Port is < WellKnownPorts and not (80 or 443) ? $"must have the port 80, 443 or one from {WellKnownPorts}" : null;
    }
}
