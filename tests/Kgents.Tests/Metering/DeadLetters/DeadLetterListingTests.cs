using Kgents.Contracts;
using Kgents.Metering.DeadLetters;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.DeadLetters;

/// <summary>Letters of five quarantined events, of which the first three are decided.</summary>
public sealed class DeadLetterListingTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Letters_AreReadBackwards_AndNotBeyondTheOldestEventThatWaits()
    {
        await using var metering = await StartAsync();
        var events = new List<ulong>();
        for (var number = 0; number < 5; number++)
        {
            events.Add(await Recorder.RecordAsync("{}"));
            await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Quarantined.Count == events.Count);
        }

        var letters = metering.Services.GetRequiredService<UsageDeadLetters>();
        var state = await Recorder.Ledger.StateAsync();
        foreach (var decided in events.Take(3))
        {
            state.Apply(new UsageDiscarded(decided, "a mistake") { Number = state.Number + 1 }, state.LastSequence + 1, "");
        }

        var listing = new DeadLetterListing(letters);
        var all = await listing.ReadAsync([state], ulong.MaxValue, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal([events[4], events[3]], all.Select(each => each.Letter.Sequence));
        Assert.Equal([events[3]], await listing.ReadAsync([state], all[0].Position, TestContext.Current.CancellationToken).Select(each => each.Letter.Sequence).ToListAsync(TestContext.Current.CancellationToken));

        var since = (await Recorder.Host.Reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, events[3], TestContext.Current.CancellationToken))!.Time;
        Assert.Equal([events[4], events[3]], await letters.LatestAsync(ulong.MaxValue, since, TestContext.Current.CancellationToken).Select(each => each.Letter.Sequence).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal(events[1], (await letters.FindAsync([events[1], events[0]], TestContext.Current.CancellationToken))?.Sequence);
        Assert.Null(await letters.FindAsync([4711], TestContext.Current.CancellationToken));
    }

    /// <summary>The clocks of two servers: a letter may look older than its event.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Letter_IsFound_WhenItIsOlderThanItsEvent()
    {
        const ulong Coming = 1;
        await using var metering = await StartAsync();
        var letters = metering.Services.GetRequiredService<UsageDeadLetters>();
        await letters.KeepAsync(UsageRecorder.Tenant, Coming, Subjects.Usage(UsageRecorder.Tenant, 0), "{}"u8.ToArray(), "its clock is ahead", TestContext.Current.CancellationToken);
        Assert.Equal(Coming, await Recorder.RecordAsync("{}"));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Quarantined.Contains(Coming));

        Assert.Single(await Recorder.LettersAsync());
        Assert.NotNull(await letters.FindAsync([Coming], TestContext.Current.CancellationToken));
        Assert.Equal(Coming, (await new DeadLetterListing(letters).ReadAsync([await Recorder.Ledger.StateAsync()], ulong.MaxValue, TestContext.Current.CancellationToken).SingleAsync(TestContext.Current.CancellationToken)).Letter.Sequence);
    }
}
