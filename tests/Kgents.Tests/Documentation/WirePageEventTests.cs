using System.Buffers;
using System.Text;
using System.Text.Json;
using Kgents.Api;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Streaming.Usage;
using static Kgents.Tests.Documentation.WirePage;

namespace Kgents.Tests.Documentation;

/// <summary>docs/wire.md names every event with its fields, and every code, and its examples are what the code writes.</summary>
public sealed class WirePageEventTests
{
    private static readonly TokenCounts Tokens = new(3, 4, TokenCounts.Reported);
    private static readonly TurnId Turn = TurnId.Parse("t-0123456789abcdef0123456789abcdef");
    private static readonly UsagePayload Usage = new("id", "{}");
    private static readonly AssistantMessage Answer = new(Turn, 1, 1, TurnStatus.Failed, "text", "model", Tokens, TurnErrorCodes.Interrupted, DateTimeOffset.UnixEpoch, SessionTotals.None) { FinishReason = FinishReasons.Stop };

    /// <summary>One of each kind; optional fields are set.</summary>
    private static readonly TurnEvent[] Samples =
    [
        new TurnAccepted(Turn, 1, "model"),
        new TurnChunk("text", 0),
        new TurnUsage(Tokens, Final: false),
        new TurnRestarted(2),
        new TurnHandedOver(),
        new TurnCommitted(TurnStatus.Failed, TurnErrorCodes.Interrupted, "a", "hash", 1, 1, "model", Tokens, DateTimeOffset.UnixEpoch, [Usage]) { FinishReason = FinishReasons.Stop, Decision = new GovernanceDecision(new ProposedAction("action", "reason", 0), new Judgement(false, "escalate", 0, "why", [], [])) },
        new TurnCompleted("text", Tokens, 1, "a", "model") { FinishReason = FinishReasons.Stop },
        new TurnFailed(TurnErrorCodes.Interrupted, "message"),
        new TurnCancelled("a", Tokens),
    ];

    [Fact]
    public void EveryEvent_IsNamedWithItsFields()
    {
        var kinds = typeof(TurnEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TurnEvent)));
        Assert.Equivalent(kinds, Samples.Select(sample => sample.GetType()), strict: true);
        Assert.Equivalent(Constants(typeof(TurnEventCodec)), Samples.Select(TurnEventCodec.KindOf), strict: true);

        var written = Samples.Select(sample => (Entry: TurnEventCodec.KindOf(sample), Frame: Frames(Written(sample)).SingleOrDefault()))
            .Select(each => $"{each.Entry}: {each.Frame.Event ?? "none"} {string.Join(' ', each.Frame.Fields ?? [])}");
        var documented = Page.Table("Events").Select(row => $"{row[0].Trim('`')}: {row[1].Trim('`')} {string.Join(' ', MarkdownPage.Codes(row[2]))}");
        Assert.Equal(written, documented);
    }

    [Fact]
    public void EveryExample_IsWhatTheCodeWrites()
    {
        var fields = Page.Table("Events").Where(row => row[1] != "none").DistinctBy(row => row[1]).ToDictionary(row => row[1].Trim('`'), row => MarkdownPage.Codes(row[2]));
        var frames = Page.Examples("sse").SelectMany(Frames).ToList();
        Assert.Equal(["accepted", "chunk", "chunk", "usage", "complete", "error", "cancelled"], frames.Select(frame => frame.Event));
        Assert.All(frames, frame => Assert.Equal(fields[frame.Event], frame.Fields));

        var gap = Assert.Single(Page.Examples("gap").SelectMany(Frames));
        Assert.Equal(Fields(ApiJson.Default.GapEnd).Except(["code", "message"]), gap.Fields);
        Assert.Equal("error", Frames(Written(output => TurnSse.WriteGap(output, Answer))).Single().Event);

        // Each begins with where it begins, one by an id alone and one by a gap.
        Assert.Equal(
            [
                Opening(5) + Written(output => TurnSse.WriteTurn(output, TurnId.Parse("t-01a2075b02ef7999b7ba555e57c36b05"))),
                Opening(null) + Written(output => TurnSse.WriteLogGap(output, 5, 9041)),
            ],
            Page.Examples("session").Select(example => example.Split("id: 6\n")[0].TrimEnd('\n') + "\n\n"));
        Assert.Equal(["turn", "gap"], Page.Names("All turns of a session"));

        Assert.StartsWith(Opening(0), Page.Examples("sse")[0], StringComparison.Ordinal);
        var usage = JsonSerializer.Deserialize(Page.Examples("json")[^1], WireJson.Default.UsageEvent);
        Assert.Equal(Page.Examples("json")[^1].TrimEnd(), JsonSerializer.Serialize(usage, WireJson.Default.UsageEvent));
    }

    [Fact]
    public void EveryErrorCodeAndOutcome_IsNamed()
    {
        Assert.Equivalent(Constants(typeof(TurnErrorCodes)), Page.Names("Error codes"), strict: true);
        Assert.Equivalent(Constants(typeof(ModelCall)).Append(TurnErrorCodes.ReplyTooLong), Page.Names("Outcomes"), strict: true);
    }

    private static string Opening(ulong? after) => Written(output => TurnSse.WriteOpening(output, new TurnStreamOptions().ReconnectDelay, after));

    private static IEnumerable<(string Event, IReadOnlyList<string> Fields)> Frames(string sse) => sse
        .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(frame => frame.TrimEnd().Split('\n'))
        .Where(lines => lines.Any(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        .Select(lines => (
            lines.Single(line => line.StartsWith("event: ", StringComparison.Ordinal))["event: ".Length..],
            (IReadOnlyList<string>)[.. JsonElement.Parse(lines.Single(line => line.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..]).EnumerateObject().Select(field => field.Name)]));

    private static string Written(TurnEvent sample) =>
        Written(output => TurnSse.Write(output, new TurnEntry(1, "s", TurnEventCodec.KindOf(sample), TurnEventCodec.Encode(sample))));

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
