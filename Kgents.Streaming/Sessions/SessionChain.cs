using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Sessions;

/// <summary>The order of a session's turns: each begins only when the one before it has its answer, read from the leader.</summary>
internal sealed class SessionChain(JetStreamReader reader, FencedPublisher publisher)
{
    public async Task<ChainEnd> EndAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), cancellationToken);
        return last is null
            ? ChainEnd.Empty
            : new ChainEnd(last.Sequence, JsonSerializer.Deserialize(last.Data.Span, WireJson.Default.AssistantMessage)!);
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
            entry => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.AssistantMessage)!.Turn == answer.Turn,
            cancellationToken);
        if (!result.IsStored)
        {
            throw new Turns.FenceLostException($"The answer of turn {answer.Turn} has no place after {end.Sequence}.");
        }
    }
}
