using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Sessions;

/// <summary>Reads stored user messages, also those that some other version of Kgents wrote.</summary>
public static class UserMessages
{
    /// <summary>Null when the bytes are not a user message that this version can run.</summary>
    public static UserMessage? TryRead(ReadOnlySpan<byte> payload)
    {
        try
        {
            var message = JsonSerializer.Deserialize(payload, WireJson.Default.UserMessage);
            return message is { N: > 0, Text: not null, Mode: { } mode } && message.Turn != default && DialogueModes.Find(mode) == mode
                && BudgetTiers.All.Contains(message.Budget ?? BudgetTiers.Dialogue)
                && (message.Kind is null || (message.Kind == MessageKinds.Governance && ReadAction(message.Text) is not null)) ? message : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The operation that a governance message asks about; null when it is none.</summary>
    public static ProposedAction? ReadAction(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, WireJson.Default.ProposedAction) is { Action: not null } action ? action : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The message, or what stands for it.</summary>
    /// <param name="n">Its number in the session, when it does not say one.</param>
    public static UserMessage Read(StoredEntry entry, long n) => TryRead(entry.Data.Span) ?? StandIn(entry.Data, entry.Sequence, n, entry.Time);

    /// <summary>
    /// What stands for a message that cannot be read. Who posted it may be following the turn that it names; one that names none gets an id of its own,
    /// always the same.
    /// </summary>
    public static UserMessage StandIn(ReadOnlyMemory<byte> payload, ulong sequence, long n, DateTimeOffset at) =>
        new(FindTurn(payload) ?? TurnOf(sequence), n, "", DialogueModes.Reflect, at);

    /// <summary>The id of a turn that no record names: always the same.</summary>
    public static TurnId TurnOf(ulong sequence) => TurnId.Parse($"t-{sequence:x32}");

    /// <summary>The turn that a message names which cannot be read otherwise; null when not even that can be found.</summary>
    private static TurnId? FindTurn(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("turn", out var turn)
                && turn.ValueKind == JsonValueKind.String && TurnId.TryParse(turn.GetString(), null, out var id) ? id : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
