using Kgents.Contracts;
using Kgents.Streaming.Usage;

namespace Kgents.Tests.Streaming.Usage;

/// <summary>The id decides what is billed once: who takes a turn over must come to the same, with this version or another.</summary>
public sealed class UsageEventsTests
{
    private static readonly TurnAddress Turn = new(TenantId.Parse("acme"), SessionId.Parse("s0-0123456789abcdef0123456789abcdef"), TurnId.Parse("t-0123456789abcdef0123456789abcdef"));

    [Fact]
    public void BillableCall_HasItsTurnsId_WhicheverAttemptDeliveredIt()
    {
        string[] ids = [.. Enumerable.Range(1, 3).Select(attempt => IdOf(Turn, attempt, ModelCall.Completed)), IdOf(Turn, 2, ModelCall.ClientCancelled)];

        Assert.All(ids, id => Assert.Equal("41b0c338-1e2d-5753-8e7c-298015cf5f5a", id));
    }

    [Fact]
    public void CallThatIsNotBilled_HasAnIdOfItsOwn_ForEachAttempt()
    {
        string[] ids = [.. Enumerable.Range(1, 3).Select(attempt => IdOf(Turn, attempt, ModelCall.Interrupted)), IdOf(Turn, 1, ModelCall.Completed)];

        Assert.Distinct(ids);
    }

    [Fact]
    public void Call_HasAnIdOfItsOwn_ForEachTenantAndTurn()
    {
        string[] ids =
        [
            IdOf(Turn, 1, ModelCall.Completed),
            IdOf(Turn with { Tenant = TenantId.Parse("other") }, 1, ModelCall.Completed),
            IdOf(Turn with { Turn = TurnId.Parse("t-0123456789abcdef0123456789abcdee") }, 1, ModelCall.Completed),
        ];

        Assert.Distinct(ids);
    }

    private static string IdOf(TurnAddress turn, int attempt, string outcome)
    {
        var used = outcome == ModelCall.Interrupted ? null : new CallUsage(TokenBuckets.None with { OutputVisible = 6 }, TokenCounts.Counted);
        return UsageEvents.Create(new ModelCall(turn, attempt, "m", "m", "openai", outcome, used, TimeSpan.Zero), key: null, DateTimeOffset.UnixEpoch).Id;
    }
}
