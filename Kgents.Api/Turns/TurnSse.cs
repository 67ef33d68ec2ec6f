using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>The events of a turn as Server-Sent Events. The payload of the log is the data, unchanged; the id is the stream sequence.</summary>
internal static class TurnSse
{
    /// <summary>Room for the longest id and the longest name.</summary>
    private const int LongestHead = 64;

    private static ReadOnlySpan<byte> End => "\n\n"u8;

    /// <summary>
    /// What a stream begins with. Its id is where the stream begins: it is no event, but a client that is cut before the first one comes back with it,
    /// and misses nothing. Null when the first event says where that is.
    /// </summary>
    public static void WriteOpening(IBufferWriter<byte> output, TimeSpan reconnectDelay, ulong? after)
    {
        Write(output, $":ok\nretry: {((long)reconnectDelay.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)}\n");
        Write(output, after is { } start ? $"id: {start.ToString(CultureInfo.InvariantCulture)}\n\n" : "\n");
    }

    /// <summary>A comment: it carries no id, so it moves no cursor.</summary>
    public static void WriteHeartbeat(IBufferWriter<byte> output) => output.Write(":\n\n"u8);

    /// <summary>Whose the events after this are, on a stream of many turns. It has no id: on every connection it comes again.</summary>
    public static void WriteTurn(IBufferWriter<byte> output, TurnId turn)
    {
        Write(output, "event: turn\ndata: ");
        output.Write(JsonSerializer.SerializeToUtf8Bytes(new TurnName(turn), ApiJson.Default.TurnName));
        output.Write("\n\n"u8);
    }

    /// <summary>Says that the log does not reach back to the cursor; its id is where the log begins now, so that it is said once.</summary>
    public static void WriteLogGap(IBufferWriter<byte> output, ulong cursor, ulong resumedAfter)
    {
        Write(output, $"id: {resumedAfter.ToString(CultureInfo.InvariantCulture)}\nevent: gap\ndata: ");
        output.Write(JsonSerializer.SerializeToUtf8Bytes(new LogGap(cursor.ToString(CultureInfo.InvariantCulture)), ApiJson.Default.LogGap));
        output.Write("\n\n"u8);
    }

    /// <summary>
    /// An entry as all clients are sent it. One of a kind that this version does not know is left out, and so is one that cannot be read, unless it
    /// is the end: a stream that closes without a terminal event would be taken for one that was cut.
    /// </summary>
    public static void Write(IBufferWriter<byte> output, in TurnEntry entry)
    {
        if (NameOf(entry.Kind) is not { } name)
        {
            return;
        }

        var data = entry.Data.Span;
        if (entry.Kind == TurnEventCodec.Chunk)
        {
            if (!TurnEventCodec.IsChunk(data))
            {
                return;
            }
        }
        else if (TurnEventCodec.TryDecode(entry.Kind, data, out var turnEvent))
        {
            // Of a commit a client sees only the counts; all else is copied as it is stored.
            data = turnEvent is TurnCommitted commit ? FinalUsage(commit) : data;
        }
        else if (TurnEventCodec.IsTerminal(entry.Kind))
        {
            name = "error";
            data = TurnEventCodec.Encode(Unreadable);
        }
        else
        {
            return;
        }

        var frame = output.GetSpan(LongestHead + data.Length + End.Length);
        Utf8.TryWrite(frame, CultureInfo.InvariantCulture, $"id: {entry.Sequence}\nevent: {name}\ndata: ", out var length);
        data.CopyTo(frame[length..]);
        End.CopyTo(frame[(length + data.Length)..]);
        output.Advance(length + data.Length + End.Length);
    }

    /// <summary>The end of a turn whose log is gone, from its stored answer. It has no id: there is nothing to resume from.</summary>
    public static void WriteGap(IBufferWriter<byte> output, AssistantMessage answer)
    {
        var name = answer.Status switch
        {
            TurnStatus.Completed => "complete",
            TurnStatus.Failed => "error",
            TurnStatus.Cancelled => "cancelled",
            _ => throw new InvalidOperationException($"{answer.Status} is not an end of a turn."),
        };
        Write(output, $"event: {name}\ndata: ");
        output.Write(JsonSerializer.SerializeToUtf8Bytes(
            new GapEnd(answer.Text, answer.Tokens, answer.Turn.AssistantMessageId, answer.Model, answer.ErrorCode, answer.ErrorCode is { } code ? TurnErrorTexts.Of(code) : null, answer.FinishReason, Gap: true),
            ApiJson.Default.GapEnd));
        output.Write("\n\n"u8);
    }

    /// <summary>Whether clients are sent entries of this kind.</summary>
    public static bool IsSeen(string kind) => NameOf(kind) is not null;

    /// <summary>What a client is told instead of an end that cannot be read.</summary>
    public static TurnFailed Unreadable { get; } = new(TurnErrorCodes.UnreadableLog, TurnErrorTexts.Of(TurnErrorCodes.UnreadableLog));

    /// <summary>What clients know entries of this kind as; null for those that they are not sent.</summary>
    public static string? NameOf(string kind) => kind switch
    {
        TurnEventCodec.Accepted => "accepted",
        TurnEventCodec.Chunk => "chunk",
        TurnEventCodec.Usage => "usage",
        TurnEventCodec.Restarted => "restarted",
        TurnEventCodec.Committed => "usage",
        TurnEventCodec.Completed => "complete",
        TurnEventCodec.Failed => "error",
        TurnEventCodec.Cancelled => "cancelled",
        _ => null,
    };

    private static byte[] FinalUsage(TurnCommitted commit) => JsonSerializer.SerializeToUtf8Bytes(new FinalUsage(commit.Tokens, Final: true), ApiJson.Default.FinalUsage);

    private static void Write(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);
}

/// <summary>The end of a turn after a gap: its events are gone, what it came to is not.</summary>
internal sealed record GapEnd(string Text, TokenCounts Tokens, string MessageId, string Model, string? Code, string? Message, string? FinishReason, bool Gap);

/// <summary>The turn that the next events are of.</summary>
internal sealed record TurnName(TurnId TurnId);

/// <summary>Events after this id may be missing: the log has them no more.</summary>
internal sealed record LogGap(string After);

/// <summary>The counts of a turn, once they are final.</summary>
internal sealed record FinalUsage(TokenCounts Tokens, bool Final);
