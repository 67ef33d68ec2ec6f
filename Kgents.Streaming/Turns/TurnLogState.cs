using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Turns;

/// <summary>What a turn's log says, which is all that a worker needs to know to go on with it.</summary>
/// <param name="Attempts">How many workers began it.</param>
/// <param name="Text">What the chunks since the last (re)start say.</param>
/// <param name="Chunks">How many those are.</param>
internal sealed record TurnLogState(ulong LastSequence, int Attempts, TurnCommitted? Commit, string Text, int Chunks, bool HasTerminal)
{
    public bool IsEmpty => LastSequence == 0;

    /// <summary>Reads the whole log, up to the end that the leader knows.</summary>
    public static async Task<TurnLogState> ReadAsync(JetStreamReader reader, TurnAddress turn, CancellationToken cancellationToken)
    {
        var subject = Subjects.Tokens(turn);
        if (await reader.LastAsync(Streams.Tokens.Name, subject, cancellationToken) is not { } last)
        {
            return new TurnLogState(0, 0, null, "", 0, HasTerminal: false);
        }

        var attempts = 0;
        var chunks = 0;
        var text = new StringBuilder();
        TurnCommitted? commit = null;
        var terminal = false;
        await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, subject, 1, last.Sequence, cancellationToken))
        {
            switch (TurnEventCodec.Decode(entry.Header(TurnHeaders.Event) ?? "", entry.Data.Span))
            {
                case TurnAccepted:
                    attempts++;
                    break;
                case TurnRestarted:
                    attempts++;
                    text.Clear();
                    chunks = 0;
                    break;
                case TurnChunk chunk:
                    text.Append(chunk.Text);
                    chunks++;
                    break;
                case TurnCommitted committed:
                    commit = committed;
                    break;
                case TurnCompleted or TurnFailed or TurnCancelled:
                    terminal = true;
                    break;
            }
        }

        return new TurnLogState(last.Sequence, attempts, commit, text.ToString(), chunks, terminal);
    }
}
