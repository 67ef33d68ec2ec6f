using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Turns;

/// <summary>What a turn's log says, which is all that a worker needs to know to go on with it.</summary>
/// <param name="Begun">How often a worker began it.</param>
/// <param name="HandedOver">How often one left it to another because it was told to stop: no fault of the turn.</param>
/// <param name="Text">What the chunks since the last (re)start say.</param>
/// <param name="Chunks">How many those are.</param>
/// <param name="Unreadable">The first entry that cannot be read; null when all can.</param>
internal sealed record TurnLogState(ulong LastSequence, int Begun, int HandedOver, TurnCommitted? Commit, string Text, int Chunks, bool HasTerminal, StoredEntry? Unreadable)
{
    public bool IsEmpty => LastSequence == 0;

    /// <summary>Workers that died over the turn.</summary>
    public int FailedAttempts => Begun - HandedOver;

    /// <summary>Reads the whole log, up to the end that the leader knows.</summary>
    public static async Task<TurnLogState> ReadAsync(JetStreamReader reader, TurnAddress turn, CancellationToken cancellationToken)
    {
        var subject = Subjects.Tokens(turn);
        var state = new TurnLogState(0, 0, 0, null, "", 0, HasTerminal: false, Unreadable: null);
        if (await reader.LastAsync(Streams.Tokens.Name, subject, cancellationToken) is not { } last)
        {
            return state;
        }

        var text = new StringBuilder();
        await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, subject, 1, last.Sequence, cancellationToken))
        {
            state = state with { LastSequence = entry.Sequence };
            var kind = entry.Header(TurnHeaders.Event) ?? "";
            if (!TurnEventCodec.TryDecode(kind, entry.Data.Span, out var turnEvent))
            {
                // An end is an end for whoever followed the turn, whatever it says.
                state = state with { Unreadable = state.Unreadable ?? entry, HasTerminal = state.HasTerminal || TurnEventCodec.IsTerminal(kind) };
                continue;
            }

            switch (turnEvent)
            {
                case TurnAccepted:
                    state = state with { Begun = state.Begun + 1 };
                    break;
                case TurnRestarted:
                    text.Clear();
                    state = state with { Begun = state.Begun + 1, Chunks = 0 };
                    break;
                case TurnHandedOver:
                    state = state with { HandedOver = state.HandedOver + 1 };
                    break;
                case TurnChunk chunk:
                    text.Append(chunk.Text);
                    state = state with { Chunks = state.Chunks + 1 };
                    break;
                case TurnCommitted committed:
                    state = state with { Commit = committed };
                    break;
                case TurnCompleted or TurnFailed or TurnCancelled:
                    state = state with { HasTerminal = true };
                    break;
                case TurnUsage or null:
                    // An estimate decides nothing; null is of another version.
                    break;
            }
        }

        return (state with { Text = text.ToString() }).WithoutUnreadableAnswer();
    }

    /// <summary>
    /// An answer of which a piece cannot be read any more is not whole, so its turn has failed after all. What was committed to be billed is: it was delivered.
    /// </summary>
    private TurnLogState WithoutUnreadableAnswer() =>
        Unreadable is not null && Commit is { Status: TurnStatus.Completed } commit && TurnRunner.HashOf(Text) != commit.TextHash
            ? this with { Commit = commit with { Status = TurnStatus.Failed, ErrorCode = TurnErrorCodes.UnreadableLog } }
            : this;
}
