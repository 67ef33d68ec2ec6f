using System.Text;
using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts.Turns;

public sealed class TurnEventCodecTests
{
    private static readonly TokenCounts Counts = new(3, 5, TokenCounts.Reported);

    /// <summary>Each event as it stands in the log and on the wire. A change here is a change for clients and for logs that are already written.</summary>
    private static readonly (TurnEvent Event, string Kind, string Json)[] Known =
    [
        (new TurnAccepted(TurnId.Parse("t-0123456789abcdef0123456789abcdef"), 1, "gpt-x"), "accepted",
            """{"turn_id":"t-0123456789abcdef0123456789abcdef","attempt":1,"model":"gpt-x"}"""),
        (new TurnChunk("Hi", 0), "chunk", """{"text":"Hi","index":0}"""),
        (new TurnUsage(Counts, Final: false), "usage", """{"tokens":{"input":3,"output":5,"total":8,"basis":"reported"},"final":false}"""),
        (new TurnRestarted(2), "restarted", """{"attempt":2}"""),
        (new TurnHandedOver(), "handed_over", "{}"),
        (new TurnCommitted(TurnStatus.Failed, "model_unavailable", "a-1", "ff", 4, 2, "gpt-x", Counts, DateTimeOffset.UnixEpoch, [new UsagePayload("u1", """{"a":1}""")]), "commit",
            """{"status":"failed","error_code":"model_unavailable","message_id":"a-1","text_hash":"ff","chunks":4,"attempt":2,"model":"gpt-x","tokens":{"input":3,"output":5,"total":8,"basis":"reported"},"committed_at":"1970-01-01T00:00:00+00:00","usage_events":[{"id":"u1","json":"{\"a\":1}"}]}"""),
        (new TurnCommitted(TurnStatus.Completed, null, "a-1", "ff", 0, 1, "gpt-x", TokenCounts.None, DateTimeOffset.UnixEpoch, []), "commit",
            """{"status":"completed","message_id":"a-1","text_hash":"ff","chunks":0,"attempt":1,"model":"gpt-x","tokens":{"input":0,"output":0,"total":0,"basis":"none"},"committed_at":"1970-01-01T00:00:00+00:00","usage_events":[]}"""),
        (new TurnCompleted("Hi", Counts, 1, "a-1", "gpt-x"), "complete",
            """{"text":"Hi","tokens":{"input":3,"output":5,"total":8,"basis":"reported"},"chunks":1,"message_id":"a-1","model":"gpt-x"}"""),
        (new TurnFailed("expired", "Too late."), "error", """{"code":"expired","message":"Too late."}"""),
        (new TurnCancelled("a-1", Counts), "cancelled", """{"message_id":"a-1","tokens":{"input":3,"output":5,"total":8,"basis":"reported"}}"""),
    ];

    [Fact]
    public void Encode_WritesExactlyThis_ForEachKind() => Assert.All(Known, known =>
    {
        Assert.Equal(known.Kind, TurnEventCodec.KindOf(known.Event));
        Assert.Equal(known.Json, Encoding.UTF8.GetString(TurnEventCodec.Encode(known.Event)));
    });

    [Fact]
    public void FindKind_KnowsEachKind_AndNoOther()
    {
        Assert.All(Known, known => Assert.Equal(known.Kind, TurnEventCodec.FindKind(Encoding.UTF8.GetBytes(known.Kind))));
        Assert.Null(TurnEventCodec.FindKind("later"u8));
    }

    [Theory]
    [InlineData("""{"text":"Hi","index":0}""", true)]
    [InlineData("""{"index":7,"text":"","later":{"a":[1]}}""", true)]
    [InlineData("""{"index":0}""", false)]
    [InlineData("""{"text":null,"index":0}""", false)]
    [InlineData("""{"text":"Hi","index":"0"}""", false)]
    [InlineData("""{"text":"Hi","index":0}{}""", false)]
    [InlineData("{\"text\":\"Hi\",\n\"index\":0}", false)]
    [InlineData("""{"text":"Hi""", false)]
    [InlineData("[]", false)]
    [InlineData("", false)]
    public void IsChunk_IsWhatDecodingSays(string payload, bool expected)
    {
        Assert.Equal(expected, TurnEventCodec.IsChunk(Encoding.UTF8.GetBytes(payload)));
        Assert.Equal(expected, TurnEventCodec.TryDecode(TurnEventCodec.Chunk, Encoding.UTF8.GetBytes(payload), out _));
    }

    [Fact]
    public void Decode_GivesBackWhatWasEncoded_ForEachKind() => Assert.All(Known, known =>
    {
        var decoded = TurnEventCodec.Decode(known.Kind, Encoding.UTF8.GetBytes(known.Json));

        Assert.IsType(known.Event.GetType(), decoded);
        Assert.Equal(known.Json, Encoding.UTF8.GetString(TurnEventCodec.Encode(decoded!)));
    });

    [Fact]
    public void KnownEvents_AreAllThereAre() => Assert.Equal(
        typeof(TurnEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TurnEvent))).ToHashSet(),
        Known.Select(known => known.Event.GetType()).ToHashSet());

    [Fact]
    public void Terminal_IsTheSame_ForAnEventAndItsKind()
    {
        Assert.All(Known, known => Assert.Equal(known.Event.IsTerminal, TurnEventCodec.IsTerminal(known.Kind)));
        Assert.Equal(["complete", "error", "cancelled"], Known.Select(known => known.Kind).Where(TurnEventCodec.IsTerminal));
    }

    [Theory]
    [InlineData("chunk", "null")]
    [InlineData("chunk", "")]
    [InlineData("chunk", """{"text":"Hi","index":0""")]
    [InlineData("chunk", """{"text":"Hi","index":0}{}""")]
    [InlineData("chunk", """["Hi",0]""")]
    [InlineData("chunk", """{"text":"Hi","index":"0"}""")]
    [InlineData("accepted", """{"turn_id":"t-*","attempt":1,"model":"m"}""")]
    [InlineData("accepted", """{"turn_id":7,"attempt":1,"model":"m"}""")]
    [InlineData("commit", """{"status":"half","message_id":"a-1"}""")]
    public void Decode_Throws_WhenThePayloadIsNotOfItsKind(string kind, string json) =>
        Assert.Throws<JsonException>(() => TurnEventCodec.Decode(kind, Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("chunks")]
    [InlineData("Chunk")]
    [InlineData("")]
    public void Decode_GivesNothing_WhenTheKindIsOfAnotherVersion(string kind) =>
        Assert.Null(TurnEventCodec.Decode(kind, """{"text":"Hi","index":0}"""u8));

    /// <summary>A later version may add a field; a log that it wrote stays readable.</summary>
    [Fact]
    public void Decode_IgnoresAFieldThatItDoesNotKnow() =>
        Assert.Equal(new TurnChunk("Hi", 0), TurnEventCodec.Decode("chunk", """{"text":"Hi","new":{"a":1},"index":0}"""u8));
}
