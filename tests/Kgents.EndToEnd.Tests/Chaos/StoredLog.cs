using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>An entry of a turn's log, and what it is to a client.</summary>
/// <param name="Run">The run that wrote it.</param>
/// <param name="Index">Its place in that run.</param>
internal sealed record LogEntry(ulong Sequence, string Turn, string Kind, byte[] Data, string Run, int Index, DateTimeOffset Time)
{
    public bool IsTerminal => TurnEventCodec.IsTerminal(Kind);

    /// <summary>Null for one that no client sees.</summary>
    public string? Name => Kind switch
    {
        TurnEventCodec.HandedOver => null,
        TurnEventCodec.Committed => "usage",
        _ => Kind,
    };

    public TurnEvent Event => TurnEventCodec.Decode(Kind, Data)!;

    /// <summary>Whether this is what a client got. Of a commit it gets the counts, and everything else as it is stored, to the byte.</summary>
    public bool IsShownAs(SeenEvent seen) => seen.Name == Name && (Event is TurnCommitted commit ? IsCount(seen.Data, commit.Tokens) : seen.Data == Encoding.UTF8.GetString(Data));

    private static bool IsCount(string data, TokenCounts tokens)
    {
        var json = JsonElement.Parse(data);
        var counts = json.GetProperty("tokens");
        return json.GetProperty("final").GetBoolean() && counts.GetProperty("input").GetInt64() == tokens.Input && counts.GetProperty("output").GetInt64() == tokens.Output;
    }
}

/// <summary>The truth: what the streams hold when all is over, read from them and not from the API.</summary>
internal sealed class StoredLog
{
    private StoredLog(IReadOnlyList<StoredMessage> tokens, IReadOnlyList<StoredMessage> messages, IReadOnlyList<StoredMessage> usage)
    {
        Entries = [.. tokens.Select(Parse)];
        OfTurns = Entries.ToLookup(entry => entry.Turn);
        OfSessions = tokens.Zip(Entries).ToLookup(each => SessionOf(each.First), each => each.Second);
        Users = [.. Of(messages, ".user").Select(message => (SessionOf(message), Read(message, WireJson.Default.UserMessage)))];
        Answers = [.. Of(messages, ".assistant").Select(message => (SessionOf(message), Read(message, WireJson.Default.AssistantMessage), message.Time))];
        Recorded = usage;
        var ofTurns = usage.Where(message => message.Subject.EndsWith($".{UsageOrigins.Turns}", StringComparison.Ordinal)).ToLookup(message => JsonElement.Parse(message.Data).GetProperty("type").GetString() == UsageEvent.TurnType);
        Usage = [.. ofTurns[false].Select(message => (Read(message, WireJson.Default.UsageEvent), message.Time))];
        TurnUsage = [.. ofTurns[true].Select(message => (Read(message, WireJson.Default.TurnUsageEvent), message.Time))];
    }

    public IReadOnlyList<LogEntry> Entries { get; }

    public ILookup<string, LogEntry> OfTurns { get; }

    public ILookup<string, LogEntry> OfSessions { get; }

    public IReadOnlyList<(string Session, UserMessage Message)> Users { get; }

    public IReadOnlyList<(string Session, AssistantMessage Message, DateTimeOffset Time)> Answers { get; }

    /// <summary>All usage events, whatever they are of.</summary>
    public IReadOnlyList<StoredMessage> Recorded { get; }

    /// <summary>Of calls.</summary>
    public IReadOnlyList<(UsageEvent Event, DateTimeOffset Time)> Usage { get; }

    /// <summary>Of turns.</summary>
    public IReadOnlyList<(UsageEvent<TurnUsageData> Event, DateTimeOffset Time)> TurnUsage { get; }

    public static async Task<StoredLog> ReadAsync(Store store) =>
        new(await store.ReadAsync(Streams.Tokens.Name), await store.ReadAsync(Streams.Messages.Name), await store.ReadAsync(Streams.Usage.Name));

    private static IEnumerable<StoredMessage> Of(IReadOnlyList<StoredMessage> messages, string role) =>
        messages.Where(message => message.Subject.EndsWith(role, StringComparison.Ordinal));

    private static string SessionOf(StoredMessage message) => message.Subject.Split('.')[^2];

    private static LogEntry Parse(StoredMessage message)
    {
        var writer = message.Headers[TurnHeaders.Writer].Split(':');
        var index = int.Parse(writer[1], NumberStyles.None, CultureInfo.InvariantCulture);
        return new LogEntry(message.Sequence, message.Subject.Split('.')[^1], message.Headers[TurnHeaders.Event], message.Data, writer[0], index, message.Time);
    }

    private static T Read<T>(StoredMessage message, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(message.Data, type)!;
}
