using System.Text.Json;
using Kgents.Contracts;
using Kgents.Flux;

namespace Kgents.Tests.Flux;

public sealed class SoulEventTests
{
    private static readonly DateTimeOffset Then = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static readonly IReadOnlyDictionary<string, SoulEvent> OfEveryKind = new Dictionary<string, SoulEvent>
    {
        ["dialogue_start"] = new DialogueStart { Timestamp = Then },
        ["dialogue_turn"] = new DialogueTurn("why?", DialogueModes.Advise) { Timestamp = Then, Reply = new DialogueReply("because", 3, Chunks: 2) },
        ["dialogue_end"] = new DialogueEnd("enough") { Timestamp = Then },
        ["mode_change"] = new ModeChange("explore") { Timestamp = Then },
        ["intercept_request"] = new InterceptRequest("k1", "read a file", "to know", 0.2) { Timestamp = Then },
        ["intercept_result"] = new InterceptResult("k1", "approve", 0.9, "harmless", ["curiosity"]) { Timestamp = Then },
        ["eigenvector_probe"] = new EigenvectorProbe { Timestamp = Then, Eigenvectors = Eigenvectors.Default },
        ["pulse"] = new Pulse(true) { Timestamp = Then },
        ["state_snapshot"] = new StateSnapshot { Timestamp = Then, SoulState = new SoulState("reflect", 2, 30) },
        ["error"] = new SoulError("no", "IOException", "ping") { Timestamp = Then },
        ["ping"] = new Ping { Timestamp = Then, CorrelationId = "c" },
        ["thought"] = new Thought("hm", 2) { Timestamp = Then },
        ["feeling"] = new Feeling("warm", 0.3) { Timestamp = Then },
        ["observation"] = new Observation("rain", 0.4) { Timestamp = Then },
        ["self_challenge"] = new SelfChallenge("so", "not so", 3) { Timestamp = Then },
        ["perturbation"] = new Perturbation("knock", 0.6) { Timestamp = Then },
        ["gratitude"] = new Gratitude("thanks") { Timestamp = Then },
        ["dream_start"] = new DreamStart { Timestamp = Then },
        ["dream_pattern"] = new DreamPattern("again") { Timestamp = Then },
        ["dream_insight"] = new DreamInsight("aha") { Timestamp = Then },
        ["dream_end"] = new DreamEnd { Timestamp = Then },
    };

    [Fact]
    public void EveryKind_ComesBackFromItsJson()
    {
        Assert.Equal(typeof(SoulEvent).Assembly.GetTypes().Count(type => type.IsSubclassOf(typeof(SoulEvent))), OfEveryKind.Count);
        Assert.All(OfEveryKind, each =>
        {
            var json = each.Value.ToJson();
            Assert.Equal((each.Key, each.Key), (each.Value.Kind, JsonElement.Parse(json).GetProperty("type").GetString()));
            Assert.Equal(json, SoulEvent.Parse(json).ToJson());
            Assert.IsType(each.Value.GetType(), SoulEvent.Parse(json));
        });
    }

    [Theory]
    [InlineData("""{"timestamp":"2026-01-02T03:04:05Z"}""")]
    [InlineData("""{"type":"ping"}""")]
    [InlineData("""{"type":"pong","timestamp":"2026-01-02T03:04:05Z"}""")]
    [InlineData("""{"type":"ping","timestamp":"yesterday"}""")]
    [InlineData("null")]
    [InlineData("[]")]
    public void Parse_RefusesWhatIsNoEvent(string json) => Assert.ThrowsAny<JsonException>(() => SoulEvent.Parse(json));

    [Fact]
    public void Numbers_AreCutToTheirRange()
    {
        Assert.Equal((0, 1, 0), (new Feeling("", -1) { Timestamp = Then }.Intensity, new Observation("", 7) { Timestamp = Then }.Confidence, new Perturbation("", double.NaN) { Timestamp = Then }.Intensity));
        Assert.Equal((1, 3), (new Thought("", 0) { Timestamp = Then }.Depth, new SelfChallenge("", null, 9) { Timestamp = Then }.Depth));
        Assert.Equal((1, 0), (new InterceptRequest("k", "a", null, 2) { Timestamp = Then }.Severity, new InterceptResult("k", "reject", -3, "", []) { Timestamp = Then }.Confidence));
    }

    [Fact]
    public void Kinds_AreInTheirGroups()
    {
        Assert.Equal(["dialogue_end", "dialogue_start", "dialogue_turn", "mode_change"], Of(each => each.IsDialogue));
        Assert.Equal(["intercept_request", "intercept_result"], Of(each => each.IsIntercept));
        Assert.Equal(["ping", "pulse", "state_snapshot"], Of(each => each.IsSystem));
        Assert.Equal(["feeling", "gratitude", "observation", "self_challenge", "thought"], Of(each => each.IsAmbient));
        Assert.Equal(["dream_end", "dream_insight", "dream_pattern", "dream_start"], Of(each => each.IsDream));
        Assert.Equal("k1", OfEveryKind["intercept_request"].CorrelationId);
    }

    private static IEnumerable<string> Of(Func<SoulEvent, bool> group) => OfEveryKind.Where(each => group(each.Value)).Select(each => each.Key).Order(StringComparer.Ordinal);
}
