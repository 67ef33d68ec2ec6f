using System.Text;
using Kgents.Api.Turns;

namespace Kgents.Tests.Api;

/// <summary>What a republished message says of itself. It is read in the connection's reading loop, so nothing that a message holds may throw.</summary>
public sealed class LiveHeadersTests
{
    [Theory]
    [InlineData("NATS/1.0\r\nKgents-Event: chunk\r\nKgents-Writer: a:1\r\nNats-Stream: S\r\nNats-Sequence: 7\r\nNats-Last-Sequence: 5\r\n\r\n", 7, 5, "chunk")]
    [InlineData("NATS/1.0\r\nKgents-Event:complete\r\nNats-Last-Sequence:0\r\nNats-Sequence:18446744073709551615\r\n\r\n", ulong.MaxValue, 0, "complete")]
    [InlineData("NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 3\r\nNats-Subject: kgents.tokens\r\nNats-Sequence: 4\r\n\r\n", 4, 0, "")]
    [InlineData("NATS/1.0\r\nKgents-Event: later\r\nNats-Sequence: 4\r\n\r\n", 4, 0, "")]
    [InlineData("NATS/1.0 503\r\n\r\n", 0, 0, "")]
    [InlineData("NATS/1.0\r\nNats-Sequence: -1\r\nNats-Last-Sequence: 9x\r\nKgents-Event:\r\n\r\n", 0, 0, "")]
    [InlineData(":\r\n::\r\nNats-Sequence", 0, 0, "")]
    [InlineData("", 0, 0, "")]
    public void Headers_GiveTheSequencesAndTheKind_AndNothingWhereThereIsNone(string headers, ulong sequence, ulong previous, string kind) =>
        Assert.Equal(new LiveHeaders(sequence, previous, kind), LiveHeaders.Read(Encoding.UTF8.GetBytes(headers)));
}
