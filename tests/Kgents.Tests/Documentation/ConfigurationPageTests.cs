using System.Globalization;
using System.Text.RegularExpressions;
using Kgents.Api.Agentese;
using Kgents.Api.Authentication;
using Kgents.Api.Edge;
using Kgents.Api.Messages;
using Kgents.Api.Metering;
using Kgents.Api.Plans;
using Kgents.Api.Tickets;
using Kgents.Api.Retention;
using Kgents.Api.Turns;
using Kgents.Api.Usage;
using Kgents.Api.Webhooks;
using Kgents.Metering.Confirm;
using Kgents.Metering.Export;
using Kgents.Metering.Ledger;
using Kgents.Metering.Reconcile;
using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Memory;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Deletions;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sweeping;
using Kgents.Streaming.Turns;
using Kgents.Testing;

namespace Kgents.Tests.Documentation;

/// <summary>docs/configuration.md names every setting with its real default.</summary>
public sealed partial class ConfigurationPageTests
{
    private static readonly (string Section, object Options)[] All =
    [
        (BootstrapKeyOptions.SectionName, new BootstrapKeyOptions()),
        (TicketOptions.SectionName, new TicketOptions()),
        (CrossOriginOptions.SectionName, new CrossOriginOptions()),
        (MessageOptions.SectionName, new MessageOptions()),
        (RequestMeteringOptions.SectionName, new RequestMeteringOptions()),
        (UsageOptions.SectionName, new UsageOptions()),
        (AgenteseOptions.SectionName, new AgenteseOptions()),
        (TurnStreamOptions.SectionName, new TurnStreamOptions()),
        (TurnOptions.SectionName, new TurnOptions()),
        (DeletionOptions.SectionName, new DeletionOptions()),
        (SweepOptions.SectionName, new SweepOptions()),
        (QuotaOptions.SectionName, new QuotaOptions()),
        (RetentionOptions.SectionName, new RetentionOptions()),
        (ModelOptions.SectionName, new ModelOptions()),
        (WebhookOptions.SectionName, new WebhookOptions()),
        (WebhookDeliveryOptions.SectionName, new WebhookDeliveryOptions()),
        (LedgerOptions.SectionName, new LedgerOptions()),
        (ExportOptions.SectionName, new ExportOptions()),
        (ConfirmOptions.SectionName, new ConfirmOptions()),
        (ReconcileOptions.SectionName, new ReconcileOptions()),
        (NatsTopologyOptions.SectionName, new NatsTopologyOptions()),
        (BucketViewOptions.SectionName, new BucketViewOptions()),
        (HealthOptions.SectionName, new HealthOptions()),
        (MemoryOptions.SectionName, new MemoryOptions()),
    ];

    [Fact]
    public void Page_NamesEverySettingWithItsDefault()
    {
        var documented = Row.Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"))).ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value.Trim('`', ' '));

        foreach (var (section, options) in All)
        {
            foreach (var property in options.GetType().GetProperties())
            {
                var setting = $"{section}:{property.Name}";
                Assert.True(documented.Remove(setting, out var value), $"{setting} is not documented");
                Assert.Equal((setting, Text(property.GetValue(options))), (setting, value));
            }
        }

        Assert.Equal(["Plans:Default", "Nats:Path", "Nats:Directory", "Nats:Mode", "OpenMeter:Mode"], documented.Keys);
    }

    private static string Text(object? value) => value switch
    {
        TimeSpan span when span.TotalSeconds < 1 => $"{span.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} ms",
        TimeSpan span when span.TotalHours >= 1 => $"{span.TotalHours.ToString(CultureInfo.InvariantCulture)} h",
        TimeSpan span => $"{span.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    [GeneratedRegex(@"^\| `((?!ConnectionStrings)[A-Za-z]+(?::[A-Za-z]+)+)` \|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row { get; }
}
