using System.Buffers;
using System.Text;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Tests.Api;

public sealed class TurnSseTests
{
    /// <summary>A browser takes the id of a block without data, and dispatches nothing.</summary>
    [Fact]
    public void Opening_IsACommentTheReconnectDelayAndTheCursor() =>
        Assert.Equal(":ok\nretry: 1500\nid: 7\n\n", Written(output => TurnSse.WriteOpening(output, TimeSpan.FromSeconds(1.5), 7)));

    [Fact]
    public void Opening_HasNoId_WhenTheFirstEventSaysWhereItBegins() =>
        Assert.Equal(":ok\nretry: 1500\n\n", Written(output => TurnSse.WriteOpening(output, TimeSpan.FromSeconds(1.5), null)));

    [Fact]
    public void Heartbeat_HasNoId() => Assert.Equal(":\n\n", Written(TurnSse.WriteHeartbeat));

    [Fact]
    public void Turn_HasNoId() => Assert.Equal(
        "event: turn\ndata: {\"turn_id\":\"t-0123456789abcdef0123456789abcdef\"}\n\n",
        Written(output => TurnSse.WriteTurn(output, TurnId.Parse("t-0123456789abcdef0123456789abcdef"))));

    [Fact]
    public void LogGap_HasTheIdWhereTheLogBegins() =>
        Assert.Equal("id: 99\nevent: gap\ndata: {\"after\":\"7\"}\n\n", Written(output => TurnSse.WriteLogGap(output, 7, 99)));

    [Fact]
    public void Entry_IsItsPayloadUnchanged() =>
        Assert.Equal("id: 7\nevent: chunk\ndata: {\"text\":\" a\\nb é\",\"index\":3}\n\n", Written(Entry(7, new TurnChunk(" a\nb é", 3))));

    [Fact]
    public void Commit_ShowsOnlyItsCounts()
    {
        var commit = new TurnCommitted(TurnStatus.Completed, null, "a-1", "hash", 2, 1, "m", new TokenCounts(3, 4, TokenCounts.Reported), DateTimeOffset.UnixEpoch, [new UsagePayload("id", "{}")]);

        Assert.Equal(
            "id: 8\nevent: usage\ndata: {\"tokens\":{\"input\":3,\"output\":4,\"total\":7,\"basis\":\"reported\"},\"final\":true}\n\n",
            Written(Entry(8, commit)));
    }

    [Fact]
    public void Entry_IsLeftOut_WhenItsKindIsOfAnotherVersion() =>
        Assert.Equal("", Written(new StoredEntry(9, "s", "{}"u8.ToArray(), new NatsHeaders { [TurnHeaders.Event] = "later" }, default)));

    private static string Written(TurnEntry entry) => Written(output => TurnSse.Write(output, entry));

    private static StoredEntry Entry(ulong sequence, TurnEvent turnEvent) =>
        new(sequence, "s", TurnEventCodec.Encode(turnEvent), new NatsHeaders { [TurnHeaders.Event] = TurnEventCodec.KindOf(turnEvent) }, default);

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
