using System.Globalization;
using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Usage;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Api.Agentese;

/// <summary><c>world.system</c>: Kgents itself, for whoever operates it. It tells of all tenants together and of none alone.</summary>
internal sealed class SystemNode(HealthCheckService health, INatsJSContext jetStream, JetStreamReader reader) : IAgenteseNode
{
    private static readonly StreamDefinition[] Shown = [Streams.Messages, Streams.Tokens, Streams.Usage, Streams.Ledger];

    public string Context => "world";

    public string? Holon => "system";

    public string Summary => "Kgents itself, for whoever operates it";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        Of("health", "whether this replica of the API can do its work, check by check"),
        Of("streams", "how much each stream has, and from where to where"),
        Of("lag", "how far what works on the streams is behind them"),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken) => new AgenteseAnswer.Shown(invocation.Aspect.Name switch
    {
        "health" => await HealthAsync(cancellationToken),
        "streams" => await StreamsAsync(cancellationToken),
        _ => await LagAsync(cancellationToken),
    });

    private static Aspect Of(string name, string summary) => new(name, Scopes.Admin, summary) { IsOfOperator = true, Archetypes = [Archetypes.Admin.Name] };

    private async Task<JsonObject> HealthAsync(CancellationToken cancellationToken)
    {
        var report = await health.CheckHealthAsync(cancellationToken);
        return new JsonObject
        {
            ["status"] = Name(report.Status),
            ["checks"] = new JsonObject(report.Entries.OrderBy(check => check.Key, StringComparer.Ordinal).Select(check => KeyValuePair.Create(check.Key, (JsonNode?)Name(check.Value.Status)))),
        };

        static string Name(HealthStatus status) => status.ToString().ToLowerInvariant();
    }

    private async Task<JsonObject> StreamsAsync(CancellationToken cancellationToken)
    {
        var all = new JsonObject();
        foreach (var stream in Shown)
        {
            var state = (await jetStream.GetStreamAsync(stream.Name, cancellationToken: cancellationToken)).Info.State;
            all[stream.Name] = new JsonObject { ["messages"] = state.Messages, ["bytes"] = state.Bytes, ["first"] = state.FirstSeq, ["last"] = state.LastSeq };
        }

        return new JsonObject { ["streams"] = all };
    }

    /// <summary>Turns that no worker has begun or ended, and how far usage is entered into the ledgers.</summary>
    private async Task<JsonObject> LagAsync(CancellationToken cancellationToken)
    {
        var queue = await QueueAsync(cancellationToken);
        var (_, last) = await reader.RangeAsync(Streams.Usage.Name, cancellationToken);
        var ledgers = new JsonObject();
        await foreach (var stored in reader.LastOfEachAsync(Streams.Ledger.Name, [Subjects.AllLedgers], cancellationToken))
        {
            if (Subjects.TryParseLedger(stored.Subject, out var partition))
            {
                ledgers[partition.ToString(CultureInfo.InvariantCulture)] = await new LedgerReading(partition, reader).ReadThroughAsync(cancellationToken);
            }
        }

        return new JsonObject
        {
            ["turns"] = queue is null ? null : new JsonObject { ["waiting"] = queue.NumPending, ["under_way"] = queue.NumAckPending },
            ["usage"] = new JsonObject { ["last"] = last, ["entered_through"] = ledgers },
        }.WithoutNulls();
    }

    /// <summary>Null before the first worker has begun.</summary>
    private async Task<ConsumerInfo?> QueueAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await jetStream.GetConsumerAsync(Streams.Messages.Name, Consumers.TurnWorkers, cancellationToken)).Info;
        }
        catch (NatsJSApiException exception) when (exception.Error.Code == StatusCodes.Status404NotFound)
        {
            return null;
        }
    }
}
