using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>The events of a turn as Server-Sent Events. The payload of the log is the data, unchanged; the id is the stream sequence.</summary>
internal static class TurnSse
{
    public static void WriteOpening(IBufferWriter<byte> output, TimeSpan reconnectDelay) =>
        Write(output, $":ok\nretry: {((long)reconnectDelay.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)}\n\n");

    /// <summary>A comment: it carries no id, so it moves no cursor.</summary>
    public static void WriteHeartbeat(IBufferWriter<byte> output) => output.Write(":\n\n"u8);

    /// <summary>An entry of a kind that this version does not know is left out.</summary>
    public static void Write(IBufferWriter<byte> output, StoredEntry entry)
    {
        if (NameOf(entry.Header(TurnHeaders.Event)) is not { } name)
        {
            return;
        }

        Write(output, $"id: {entry.Sequence.ToString(CultureInfo.InvariantCulture)}\nevent: {name}\ndata: ");
        output.Write(name == "usage" ? FinalUsage(entry) : entry.Data.Span);
        output.Write("\n\n"u8);
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
            new GapEnd(answer.Text, answer.Tokens, answer.Turn.AssistantMessageId, answer.Model, answer.ErrorCode, answer.ErrorCode is { } code ? TurnErrorTexts.Of(code) : null, Gap: true),
            ApiJson.Default.GapEnd));
        output.Write("\n\n"u8);
    }

    private static string? NameOf(string? kind) => kind switch
    {
        TurnEventCodec.Accepted => "accepted",
        TurnEventCodec.Chunk => "chunk",
        TurnEventCodec.Restarted => "restarted",
        TurnEventCodec.Committed => "usage",
        TurnEventCodec.Completed => "complete",
        TurnEventCodec.Failed => "error",
        TurnEventCodec.Cancelled => "cancelled",
        _ => null,
    };

    /// <summary>Of a commit a client sees only the counts.</summary>
    private static byte[] FinalUsage(StoredEntry entry)
    {
        var commit = (TurnCommitted)TurnEventCodec.Decode(TurnEventCodec.Committed, entry.Data.Span)!;
        return JsonSerializer.SerializeToUtf8Bytes(new FinalUsage(commit.Tokens, Final: true), ApiJson.Default.FinalUsage);
    }

    private static void Write(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);
}

/// <summary>The end of a turn after a gap: its events are gone, what it came to is not.</summary>
internal sealed record GapEnd(string Text, TokenCounts Tokens, string MessageId, string Model, string? Code, string? Message, bool Gap);

/// <summary>The counts of a turn, once they are final.</summary>
internal sealed record FinalUsage(TokenCounts Tokens, bool Final);
