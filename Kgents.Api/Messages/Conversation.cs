using System.Text.Json;
using Kgents.Api.Plans;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Messages;

/// <summary>Reads and extends the messages of a session. Whether a session is idle, and who of two posts wins, the stream's leader decides.</summary>
internal sealed class Conversation(SessionAnswers answers, JetStreamReader reader, FencedPublisher publisher, TurnAdmission admission, IOptions<MessageOptions> options, TimeProvider time)
{
    /// <summary>Stores the message, which is at once the order to run its turn, or says why not. Of several that want one place, one has it.</summary>
    public async Task<Acceptance> AcceptAsync(NewMessage message, CancellationToken cancellationToken)
    {
        var turn = TurnId.New(time);
        var acceptance = await AcceptAsync(message, turn, cancellationToken);
        if (acceptance is not Acceptance.Stored)
        {
            await admission.ReleaseAsync(message, turn, cancellationToken);
        }

        return acceptance;
    }

    private async Task<Acceptance> AcceptAsync(NewMessage message, TurnId turn, CancellationToken cancellationToken)
    {
        while (true)
        {
            var place = await FindPlaceAsync(message.Tenant, message.Session, cancellationToken);
            if ((WhyNot(place, message.WhenBusy) ?? await admission.ReserveAsync(message, turn, cancellationToken) ?? await PrepareAsync(message, cancellationToken)) is { } refusal)
            {
                return refusal;
            }

            var result = await StoreAsync(message, message.ToUserMessage(turn, place.N, time.GetUtcNow()), place.Base, cancellationToken);
            if (result.IsStored)
            {
                return new Acceptance.Stored(new TurnAddress(message.Tenant, message.Session, turn), result.Sequence, Replayed: false);
            }

            if (result.Winner is null)
            {
                return new Acceptance.SessionGone();
            }

            if (message.WhenBusy == BusyPolicy.Reject)
            {
                return new Acceptance.Busy();
            }

            // Another message has the place; this one never can have it, so it may go behind that one.
        }
    }

    /// <summary>Null when the message may be stored.</summary>
    public static Task<Acceptance?> PrepareAsync(NewMessage message, CancellationToken cancellationToken) => message.PrepareAsync?.Invoke(cancellationToken) ?? Task.FromResult<Acceptance?>(null);

    /// <summary>Where the session's next message belongs. It is still free when the message is stored there, and else it is not stored.</summary>
    public async Task<MessagePlace> FindPlaceAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var subject = Subjects.UserMessages(tenant, session);
        var lastMessage = await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken);
        var lastAnswer = (await answers.LastAsync(tenant, session, cancellationToken))?.Answer;
        var (answered, end) = (lastAnswer?.UserSequence ?? 0, lastMessage?.Sequence ?? 0);

        // Counted, and not taken from the last message's number, since a message that nobody can read has a place too.
        var ahead = end <= answered ? 0
            : await reader.ReadAsync(Streams.Messages.Name, subject, answered + 1, end, cancellationToken).TakeWhile(entry => entry.Sequence <= end).CountAsync(cancellationToken);
        return new MessagePlace((lastAnswer?.N ?? 0) + ahead + 1, end, ahead);
    }

    /// <summary>Null when a message may have this place.</summary>
    public Acceptance? WhyNot(MessagePlace place, BusyPolicy whenBusy) =>
        place.Ahead == 0 ? null
        : whenBusy == BusyPolicy.Reject ? new Acceptance.Busy()
        : place.Ahead > options.Value.MaxQueued ? new Acceptance.QueueFull()
        : null;

    /// <summary>Stores the message right after <paramref name="expectedLast"/>, or finds it there. Once another is there, it never can be stored.</summary>
    public Task<FencedResult> StoreAsync(NewMessage message, UserMessage stored, ulong expectedLast, CancellationToken cancellationToken) => publisher.AppendAsync(
        Streams.Messages.Name,
        Subjects.UserMessages(message.Tenant, message.Session),
        JsonSerializer.SerializeToUtf8Bytes(stored, WireJson.Default.UserMessage),
        [],
        expectedLast,
        entry => TurnOf(entry) == stored.Turn,
        cancellationToken);

    /// <summary>Whether a message, this one or another, is right after <paramref name="expectedLast"/>.</summary>
    public async Task<bool> IsTakenAsync(NewMessage message, ulong expectedLast, CancellationToken cancellationToken) =>
        await reader.NextAsync(Streams.Messages.Name, Subjects.UserMessages(message.Tenant, message.Session), expectedLast + 1, cancellationToken) is not null;

    /// <summary>The turn that keeps a session busy, if its message can be read.</summary>
    public async Task<TurnId?> CurrentTurnAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), cancellationToken);
        return last is null ? null : Read(session, last)?.TurnId;
    }

    /// <summary>The turns before a message that have not ended, the latest first.</summary>
    public async Task<IReadOnlyList<TurnAddress>> UnfinishedBeforeAsync(TenantId tenant, SessionId session, ulong sequence, CancellationToken cancellationToken)
    {
        var answered = (await answers.LastAsync(tenant, session, cancellationToken))?.Answer.UserSequence ?? 0;
        return await reader.ReadAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), answered + 1, sequence, cancellationToken)
            .TakeWhile(entry => entry.Sequence < sequence)
            .Select(TurnOf)
            .Where(turn => turn is not null)
            .Select(turn => new TurnAddress(tenant, session, turn!.Value))
            .Reverse()
            .ToListAsync(cancellationToken);
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
