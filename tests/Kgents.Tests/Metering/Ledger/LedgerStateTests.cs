using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Tests.Metering.Ledger;

public sealed class LedgerStateTests
{
    /// <summary>A hole is an event that nobody would send, and an overlap one that two entries count.</summary>
    [Theory]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(3, true)]
    public void Range_FollowsTheOneBeforeIt_OrTheLedgerIsBroken(ulong from, bool isBroken)
    {
        var state = new LedgerState();
        state.Apply(new LedgerOpened(1, 0, "a test") { Number = 1 }, 1, "");
        state.Apply(new UsageReceived(1, 3, [], []) { Number = 2 }, 2, "");
        var exception = Record.Exception(() => state.Apply(new UsageReceived(from, 6, [], []) { Number = 3 }, 3, ""));

        Assert.Equal(isBroken, exception is LedgerBrokenException);
    }

    /// <summary>A decision that was made before the ledger was begun anew holds also for who reads from a snapshot on.</summary>
    [Fact]
    public void Decisions_OutliveASnapshot()
    {
        var before = new LedgerState();
        before.Apply(new LedgerOpened(1, 3, "a test") { Number = 1, Discarded = [new SequenceRange(2, 2)], Reissued = [new ReissuedEvent(3, "another")] }, 1, "");
        var state = new LedgerState();
        state.Apply(before.Snapshot() with { Number = 2 }, 2, "");
        state.Apply(new UsageReceived(1, 3, [.. Enumerable.Range(1, 3).Select(number => new ReceivedEvent((ulong)number, $"{number}", "", "2026-01-02T03", null, null))], []) { Number = 3 }, 3, "");
        state.Apply(new UsageSending([new SequenceRange(1, 3)], 1, UsageSending.Unsure) { Number = 4 }, 4, "");

        Assert.Equal([(1UL, null), (3UL, "another")], state.Unsettled.Values.Select(each => (each.Sequence, each.ReissuedAs)));
        Assert.Equal((0, 1, 3UL), (state.Waiting, state.Counts.Discarded, state.SentThrough));
    }

    /// <summary>What was given up since the ledger was opened is in its entries, however much that is.</summary>
    [Fact]
    public void Snapshot_HasNoRoomForWhatIsInTheEntries()
    {
        var state = new LedgerState();
        state.Apply(new LedgerOpened(1, 0, "a test") { Number = 1, Discarded = [new SequenceRange(1, 1)] }, 1, "");
        state.Apply(new UsageDiscarded(3, "a test") { Number = 2 }, 2, "");

        Assert.Equal([new SequenceRange(1, 1)], state.Snapshot().Discarded);
    }

    /// <summary>Each is one message, which NATS takes up to 1 MiB.</summary>
    [Fact]
    public void OpeningAndSnapshot_HaveRoomForAllThatIsKept_BesideTheHoursOf400Days()
    {
        const ulong first = 100_000_000_000;
        var opened = new LedgerOpened(1, 0, "a test") { Number = 1, Reissued = [.. Enumerable.Range(0, UsageDecisions.Most).Select(number => new ReissuedEvent(first + (ulong)number, $"{Guid.NewGuid()}"))] };
        var state = new LedgerState();
        state.Apply(opened, 1, "");
        var hours = Enumerable.Range(0, 400 * 24).Select(hour => new ReceivedEvent((ulong)hour + 1, "a", "", $"{DateTimeOffset.UnixEpoch.AddHours(hour):yyyy-MM-ddTHH}"));
        state.Apply(new UsageReceived(1, 400 * 24, [.. hours], []) { Number = 2 }, first, "");

        Assert.Equal((UsageDecisions.Most, 400 * 24), (state.Decisions.Count, state.Hours.Count));
        Assert.InRange(LedgerCodec.Encode(opened).Length, 1, 1024 * 1024);
        Assert.InRange(LedgerCodec.Encode(state.Snapshot()).Length, 900_000, 1024 * 1024);
    }

    /// <summary>Who has an event in hand, or waits until OpenMeter must show it, still does after it wrote a snapshot: else the event would go out beside itself.</summary>
    [Fact]
    public void Snapshot_LeavesWhatTheProcessKnowsOfAnEvent()
    {
        var state = new LedgerState();
        state.Apply(new LedgerOpened(1, 0, "a test") { Number = 1 }, 1, "");
        state.Apply(new UsageSending([new SequenceRange(1, 2)], 1, null) { Number = 2 }, 2, "");
        state.Unsettled[1].IsHeld = true;
        state.Unsettled[2].LetGo(42);
        state.Apply(state.Snapshot() with { Number = 3 }, 3, "");

        Assert.True(state.Unsettled[1].IsHeld);
        Assert.Equal(42, state.Unsettled[2].QuietSince);
    }
}
