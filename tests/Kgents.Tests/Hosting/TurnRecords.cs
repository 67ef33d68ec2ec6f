using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Tests.Hosting;

/// <summary>What the streams hold of a turn, read as an auditor would.</summary>
internal sealed record TurnRecords(IReadOnlyList<StoredEntry> Log, IReadOnlyList<AssistantMessage> Answers, IReadOnlyList<JsonElement> AllUsage)
{
    /// <summary>Of the turn's calls.</summary>
    public IReadOnlyList<JsonElement> Usage => [.. AllUsage.Where(usage => usage.GetProperty("type").GetString() != UsageEvent.TurnType)];

    /// <summary>Of the turn itself.</summary>
    public IReadOnlyList<JsonElement> TurnUsage => [.. AllUsage.Where(usage => usage.GetProperty("type").GetString() == UsageEvent.TurnType)];

    public IReadOnlyList<TurnEvent> Events => [.. Log.Select(entry => TurnEventCodec.Decode(entry.Header(TurnHeaders.Event)!, entry.Data.Span)!)];

    public IReadOnlyList<string> Kinds => [.. Log.Select(entry => entry.Header(TurnHeaders.Event)!)];

    public IReadOnlyList<JsonElement> BillableUsage => [.. Usage.Where(usage => usage.GetProperty("type").GetString() == UsageEvent.BillableType)];

    /// <summary>What the chunks after the last restart say.</summary>
    public string ChunkText => string.Concat(Events.Skip(Events.ToList().FindLastIndex(each => each is TurnRestarted) + 1).OfType<TurnChunk>().Select(chunk => chunk.Text));

    /// <summary>What a turn of governance commits, for tests that write a log.</summary>
    public static GovernanceDecision Decision { get; } = new(new ProposedAction("read a page", "to know", 0.25), new Judgement(true, "approve", 0.9, "It only reads.", [], ["simplicity"]));

    public static async Task<IReadOnlyList<AuditRecord>> DecisionsAsync(KgentsHost host) =>
        [.. (await ReadAsync(host, Streams.Audit, Subjects.AllAudits)).Select(entry => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AuditRecord)!)];

    public static async Task<TurnRecords> ReadAsync(KgentsHost host, string session, TurnId turn)
    {
        var address = new TurnAddress(TenantId.Parse("default"), SessionId.Parse(session), turn);
        var answers = await ReadAsync(host, Streams.Messages, Subjects.AssistantMessages(address.Tenant, address.Session));
        var usage = await ReadAsync(host, Streams.Usage, Subjects.Usage(address.Tenant, address.Session));
        return new TurnRecords(
            await ReadAsync(host, Streams.Tokens, Subjects.Tokens(address)),
            [.. answers.Select(SessionAnswers.TryRead).OfType<AssistantMessage>().Where(answer => answer.Turn == turn)],
            [.. usage.Select(entry => JsonSerializer.Deserialize<JsonElement>(entry.Data.Span)).Where(each => each.GetProperty("data").GetProperty("turn_id").GetString() == turn.ToString())]);
    }

    private static async Task<List<StoredEntry>> ReadAsync(KgentsHost host, StreamDefinition stream, string subject) =>
        await host.Reader.ReadAsync(stream.Name, subject, 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
}
