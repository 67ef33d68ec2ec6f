using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Turns;

namespace Kgents.Streaming.Sessions;

/// <summary>The order of a session's turns: each begins only when the one before it has its answer, read from the leader.</summary>
internal sealed class SessionChain(SessionAnswers answers, JetStreamReader reader, FencedPublisher publisher)
{
    public async Task<ChainEnd> EndAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await answers.LastAsync(tenant, session, cancellationToken) is { } last ? new ChainEnd(last.Sequence, last.Answer) : ChainEnd.Empty;

    /// <summary>The first turn that waits for its answer; null when the session is idle.</summary>
    public async Task<QueuedTurn?> NextAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await NextAsync(tenant, session, await EndAsync(tenant, session, cancellationToken), cancellationToken);

    /// <summary>The first turn that waited for its answer when the chain had this end.</summary>
    public async Task<QueuedTurn?> NextAsync(TenantId tenant, SessionId session, ChainEnd end, CancellationToken cancellationToken)
    {
        if (await reader.NextAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), end.UserSequence + 1, cancellationToken) is not { } next)
        {
            return null;
        }

        var message = UserMessages.Read(next, end.N + 1);
        return new QueuedTurn(new TurnAddress(tenant, session, message.Turn), message, next.Sequence, end);
    }

    /// <summary>True when no earlier user message waits for its answer. For a message that cannot be read, its place is all there is.</summary>
    public async Task<bool> IsNextAsync(TenantId tenant, SessionId session, ChainEnd end, ulong userSequence, CancellationToken cancellationToken)
    {
        var next = await reader.NextAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), end.UserSequence + 1, cancellationToken);
        return next?.Sequence == userSequence;
    }

    /// <summary>Stores the answer, fenced by the one before it: one per turn, whoever finishes it. An answer that is there already is fine.</summary>
    public async Task AppendAsync(TenantId tenant, SessionId session, ChainEnd end, AssistantMessage answer, CancellationToken cancellationToken)
    {
        var result = await publisher.AppendAsync(
            Streams.Messages.Name,
            Subjects.AssistantMessages(tenant, session),
            JsonSerializer.SerializeToUtf8Bytes(answer, WireJson.Default.AssistantMessage),
            [],
            end.Sequence,
            entry => SessionAnswers.TryRead(entry)?.Turn == answer.Turn,
            cancellationToken);
        if (!result.IsStored)
        {
            throw new FenceLostException($"The answer of turn {answer.Turn} has no place after {end.Sequence}.");
        }
    }
}
