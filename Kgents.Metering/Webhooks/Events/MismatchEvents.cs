using System.Globalization;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Tells a tenant that what OpenMeter adds up for it is not what the ledger does.</summary>
internal sealed class MismatchEvents(WebhookEvents events)
{
    /// <summary>Once for each pair of sums: a difference that has changed is another one.</summary>
    /// <param name="ledger">The sum of the ledger, a decimal number.</param>
    /// <param name="openMeter">That of OpenMeter.</param>
    public Task<bool> TellAsync(TenantId tenant, string meter, DateTimeOffset from, DateTimeOffset to, string ledger, string openMeter, CancellationToken cancellationToken) => events.PublishAsync(
        tenant,
        WebhookEventId.Of("mismatch", tenant.ToString(), meter, Text(from), Text(to), ledger, openMeter),
        WebhookEventTypes.ReconciliationMismatch,
        new() { ["tenant_id"] = tenant.ToString(), ["meter"] = meter, ["from"] = Text(from), ["to"] = Text(to), ["ledger"] = ledger, ["openmeter"] = openMeter },
        cancellationToken);

    private static string Text(DateTimeOffset instant) => instant.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
