using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Messages;

/// <summary>Reads and extends the messages of a session. Whether a session is idle, and who of two posts wins, the stream's leader decides.</summary>
internal sealed class Conversation(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    /// <summary>
    /// Stores the message, which is at once the order to run its turn. Null when the session is busy: with a turn that is under way, or with
    /// another message that was stored first.
    /// </summary>
    public async Task<TurnAddress?> TryAcceptAsync(TenantId tenant, SessionId session, string text, string mode, CancellationToken cancellationToken)
    {
        if (await FindPlaceAsync(tenant, session, cancellationToken) is not { } place)
        {
            return null;
        }

        var message = new UserMessage(TurnId.New(time), place.N, text, mode, time.GetUtcNow());
        var result = await StoreAsync(tenant, session, message, place.Base, cancellationToken);
        return result.IsStored ? new TurnAddress(tenant, session, message.Turn) : null;
    }

    /// <summary>Where the session's next message belongs; null when the session is busy.</summary>
    public async Task<MessagePlace?> FindPlaceAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var lastMessage = await reader.LastAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), cancellationToken);
        var lastAnswer = await LastAnswerAsync(tenant, session, cancellationToken);
        return lastMessage is null || lastMessage.Sequence == lastAnswer?.UserSequence
            ? new MessagePlace((lastAnswer?.N ?? 0) + 1, lastMessage?.Sequence ?? 0)
            : null;
    }

    /// <summary>Stores the message right after <paramref name="expectedLast"/>, or finds it there. Once another is there, it never can be stored.</summary>
    public Task<FencedResult> StoreAsync(TenantId tenant, SessionId session, UserMessage message, ulong expectedLast, CancellationToken cancellationToken) => publisher.AppendAsync(
        Streams.Messages.Name,
        Subjects.UserMessages(tenant, session),
        JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.UserMessage),
        [],
        expectedLast,
        entry => TurnOf(entry) == message.Turn,
        cancellationToken);

    /// <summary>The turn that keeps a session busy, if its message can be read.</summary>
    public async Task<TurnId?> CurrentTurnAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), cancellationToken);
        return last is null ? null : Read(session, last)?.TurnId;
    }

    /// <summary>Messages after a cursor, oldest first, and the cursor of the next page, if there is one.</summary>
    public async Task<MessagePage> ReadAsync(TenantId tenant, SessionId session, int limit, ulong after, CancellationToken cancellationToken)
    {
        var subject = Subjects.Conversation(tenant, session);
        var last = await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken);
        var messages = new List<MessageResponse>();
        var cursor = after;
        if (last is not null && last.Sequence > after)
        {
            await foreach (var entry in reader.ReadAsync(Streams.Messages.Name, subject, after + 1, last.Sequence, cancellationToken))
            {
                cursor = entry.Sequence;
                if (Read(session, entry) is { } message)
                {
                    messages.Add(message);
                }

                if (messages.Count == limit)
                {
                    break;
                }
            }
        }

        return new MessagePage(messages, cursor < last?.Sequence ? Requests.Paging.Text(cursor) : null);
    }

    /// <summary>The turn of a stored user message; null when the message cannot be read.</summary>
    public static TurnId? TurnOf(StoredEntry entry) => Read(default, entry)?.TurnId;

    private async Task<AssistantMessage?> LastAnswerAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var entry = await reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), cancellationToken);
        return entry is null ? null : JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage);
    }

    /// <summary>Null for a message that cannot be read; its turn ends with an error, which is shown.</summary>
    private static MessageResponse? Read(SessionId session, StoredEntry entry)
    {
        try
        {
            return entry.Subject.EndsWith(".user", StringComparison.Ordinal)
                ? MessageResponse.From(session, JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.UserMessage)!)
                : MessageResponse.From(session, JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage)!);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
