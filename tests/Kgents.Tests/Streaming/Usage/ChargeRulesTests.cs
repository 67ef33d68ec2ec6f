using CsCheck;
using Kgents.Streaming.Usage;

namespace Kgents.Tests.Streaming.Usage;

/// <summary>What is charged for a call, case by case. The prompt counts 7 here, all that the model said 20, and what was relayed of it 12; the provider reported 10 and 30.</summary>
public sealed class ChargeRulesTests
{
    private static readonly TokenBuckets Reported = new(4, 5, 1, 25, 5);
    private static readonly TokenBuckets InputOnly = new(4, 5, 1, 0, 0);

    private static readonly CallFacts Whole = new(
        CallEnd.Completed, OfModel: true, IsComplete: true, IsCut: false, Reported, MaxOutputTokens: 100, HasRelayed: true, CountPrompt: () => 7, CountSaid: () => 20, CountRelayed: () => 12);

    private static readonly CallFacts LetGo = Whole with { End = CallEnd.Cancelled, IsComplete = false };

    private static readonly CallFacts Cut = Whole with { IsComplete = false, IsCut = true };

    private static readonly Dictionary<string, (CallFacts Call, string? Outcome, CallUsage? Used)> Cases = new()
    {
        ["completed, reported"] = (Whole, "completed", new CallUsage(Reported, "reported")),
        ["completed, of which much was cached"] = (Whole with { Reported = new(0, 10, 0, 25, 5) }, "completed", new CallUsage(new(0, 10, 0, 25, 5), "reported")),
        ["completed, reported zero"] = (Whole with { Reported = TokenBuckets.None }, "completed", new CallUsage(TokenBuckets.None, "reported")),
        ["completed, not reported"] = (Whole with { Reported = null }, "completed", new CallUsage(new(7, 0, 0, 20, 0), "counted")),
        ["completed, reported more than it can have made"] = (Whole with { MaxOutputTokens = 29 }, "completed", new CallUsage(new(7, 0, 0, 20, 0), "counted")),
        ["completed, counted more than it can have made"] = (Whole with { Reported = null, MaxOutputTokens = 15 }, "completed", new CallUsage(new(7, 0, 0, 15, 0), "counted")),
        ["template"] = (Whole with { OfModel = false, Reported = null }, "completed", null),
        ["cancelled after its end, reported"] = (Whole with { End = CallEnd.Cancelled }, "client_cancelled", new CallUsage(Reported, "reported")),
        ["cancelled after its end, not reported"] = (Whole with { End = CallEnd.Cancelled, Reported = null }, "client_cancelled", new CallUsage(new(7, 0, 0, 20, 0), "counted")),
        ["cancelled in the middle, nothing reported"] = (LetGo with { Reported = null }, "client_cancelled", new CallUsage(new(0, 0, 0, 12, 0), "counted")),
        ["cancelled in the middle, the input reported"] = (LetGo with { Reported = InputOnly }, "client_cancelled", new CallUsage(new(4, 5, 1, 12, 0), "counted")),
        ["cancelled in the middle, a report that is not final"] = (LetGo, "client_cancelled", new CallUsage(new(4, 5, 1, 12, 0), "counted")),
        ["cancelled before its first token"] = (LetGo with { HasRelayed = false }, "client_cancelled", null),
        ["cut at its reservation, nothing reported"] = (Cut with { Reported = null }, "completed", new CallUsage(new(7, 0, 0, 12, 0), "counted")),
        ["cut at its reservation, the input reported"] = (Cut with { Reported = InputOnly }, "completed", new CallUsage(new(4, 5, 1, 12, 0), "counted")),
        ["cut at its reservation, a report that is not final"] = (Cut, "completed", new CallUsage(new(4, 5, 1, 12, 0), "counted")),
        ["cut at its reservation, only output reported"] = (Cut with { Reported = new(0, 0, 0, 25, 5) }, "completed", new CallUsage(new(7, 0, 0, 12, 0), "counted")),
        ["cut at its reservation, less than was counted"] = (Cut with { Reported = null, MaxOutputTokens = 11 }, "completed", new CallUsage(new(7, 0, 0, 11, 0), "counted")),
        ["cut at its reservation, in its first character"] = (Cut with { Reported = null, MaxOutputTokens = 1, CountSaid = () => 3, CountRelayed = () => 3 }, "completed", new CallUsage(new(7, 0, 0, 1, 0), "counted")),
        ["cut at its reservation, a judgement that has words of its own"] = (Cut with { Reported = null, CountSaid = () => 3 }, "completed", new CallUsage(new(7, 0, 0, 3, 0), "counted")),
        ["cut at its reservation, and cancelled then"] = (Cut with { End = CallEnd.Cancelled, Reported = null }, "client_cancelled", new CallUsage(new(7, 0, 0, 12, 0), "counted")),
        ["cut at its reservation before its first token"] = (Cut with { HasRelayed = false }, "completed", null),
        ["cut at its reservation, and too long"] = (Cut with { End = CallEnd.TooLong }, "reply_too_long", null),
        ["template, cancelled"] = (LetGo with { OfModel = false }, "client_cancelled", null),
        ["failed, whatever was said and reported"] = (Whole with { End = CallEnd.Failed }, "upstream_error", null),
        ["too long, whatever was said and reported"] = (LetGo with { End = CallEnd.TooLong }, "reply_too_long", null),
        ["taken over: another attempt is delivered"] = (LetGo with { End = CallEnd.Interrupted }, "interrupted", null),
        ["refused before it was made"] = (LetGo with { End = CallEnd.NotMade }, null, null),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Charge_IsAsTheTableSays(string name)
    {
        var (call, outcome, used) = Cases[name];

        var charge = ChargeRules.Decide(call);

        Assert.Equal((outcome, used), (charge?.Outcome, charge?.Used));
    }

    /// <summary>Whatever ends how, and whatever is reported and counted.</summary>
    [Fact]
    public void Charge_IsNeverMoreThanWasDelivered() =>
        Gen.Select(Gen.Enum<CallEnd>(), Gen.Bool.Array[4], Gen.Int[0, 200].Array[9]).Sample((end, flags, counts) =>
        {
            var reported = flags[2] ? null : new TokenBuckets(counts[0], counts[1], counts[2], counts[3], counts[4]);
            var call = new CallFacts(end, flags[0], flags[1], flags[3], reported, counts[5], counts[8] > 0, () => counts[6], () => counts[7], () => counts[8]);
            var used = ChargeRules.Decide(call)?.Used;

            Assert.True(used is null || used.Buckets.Output <= call.MaxOutputTokens);
            Assert.True(used is null || call.IsComplete || used.Buckets.Output <= counts[8]);
            Assert.True(used is null || (call.OfModel && end is CallEnd.Completed or CallEnd.Cancelled));
        });
}
