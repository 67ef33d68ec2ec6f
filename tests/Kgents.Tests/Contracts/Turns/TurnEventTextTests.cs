using System.Text;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts.Turns;

/// <summary>A payload becomes the one <c>data:</c> line of an SSE frame as it is, so no text may bring a line break into it.</summary>
public sealed class TurnEventTextTests
{
    private static readonly string[] Pieces =
    [
        "\r", "\n", "\r\n", "\n\ndata: x", "\0", "\u001f", "\u0085", "\u2028", "\u2029", "\"", "\\", "\\n", "<b>&'</b>", "a", " ", "é", "日本", "😀",
        "\ud83d", "\ude00", "\udfff", "\uffff", "\ufeff", "\u007f",
    ];

    [Fact]
    public void Text_StaysUtf8_AndOnlyWhatMustBeIsEscaped() => Assert.Equal(
        """{"text":"Grüße <b>&'日本'\r\n\"\\","index":0}""",
        Encoding.UTF8.GetString(TurnEventCodec.Encode(new TurnChunk("Grüße <b>&'日本'\r\n\"\\", 0))));

    [Fact]
    public void Payload_IsOneLine_WhateverTheTextIs()
    {
        var random = new Random(20260102);
        for (var round = 0; round < 2_000; round++)
        {
            var text = string.Concat(random.GetItems(Pieces, random.Next(0, 12)));
            TurnEvent[] events = [new TurnChunk(text, round), new TurnFailed(text, text), new TurnCompleted(text, TokenCounts.None, 1, text, text)];

            foreach (var turnEvent in events)
            {
                Assert.Equal(-1, TurnEventCodec.Encode(turnEvent).AsSpan().IndexOfAny((byte)'\r', (byte)'\n'));
            }
        }
    }

    /// <summary>Half a surrogate pair has no UTF-8: it becomes U+FFFD, and nothing around it is lost.</summary>
    [Fact]
    public void Text_ComesBackAsItWas_ButForHalvesOfSurrogatePairs()
    {
        var random = new Random(20260103);
        for (var round = 0; round < 2_000; round++)
        {
            var text = string.Concat(random.GetItems(Pieces, random.Next(0, 12)));

            var decoded = TurnEventCodec.Decode(TurnEventCodec.Chunk, TurnEventCodec.Encode(new TurnChunk(text, round)));

            Assert.Equal(new TurnChunk(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), round), decoded);
        }
    }
}
