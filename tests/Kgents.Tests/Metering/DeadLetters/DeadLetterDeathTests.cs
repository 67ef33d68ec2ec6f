using Kgents.Contracts;
using Kgents.Metering.DeadLetters;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.DeadLetters;

/// <summary>
/// What if metering dies between a dead letter and the entry of the ledger that says what it is? One event is quarantined, one refused by OpenMeter, and a replica is cut off at
/// each of these writes. Another takes over: each of the two has one letter that is listed, and the event beside them is billed once.
/// </summary>
public abstract class DeadLetterDeathTests(CutPoint point) : MeteringTest
{
    /// <param name="letter">The first is of the event that is quarantined, the second of the one that is refused.</param>
    /// <param name="entry">The first entry of the ledger behind it; 0 for the letter itself.</param>
    [Theory(Timeout = Limits.Test)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    public async Task EachBadEvent_HasOneLetterThatIsListed_WhenAReplicaDiesBetweenTheLetterAndTheLedger(int letter, int entry)
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(100);
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await UsageRecorder.StartMeteringAsync(proxy.Url, OpenMeter, ("Metering:Ledger:Lease", "00:00:02"));
        var (letters, entries) = (0, 0);
        proxy.CutAt(1, point, IsTheWrite);

        var quarantined = await Recorder.RecordAsync("{}");
        var refused = await Recorder.RecordAsync(UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 3).Replace("application/json", "text/plain", StringComparison.Ordinal));
        await Recorder.RecordAsync(1);
        await proxy.CutHappened;
        await using var heir = await UsageRecorder.StartMeteringAsync(Nats, OpenMeter, ("Metering:Ledger:Lease", "00:00:02"));
        await Recorder.SettledAsync();

        var state = await Recorder.Ledger.StateAsync();
        Assert.Equal(1, state.Counts.Confirmed);
        var listed = await new DeadLetterListing(heir.Services.GetRequiredService<UsageDeadLetters>()).ReadAsync([state], ulong.MaxValue, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal([(quarantined, DeadLetterListing.Quarantined), (refused, DeadLetterListing.Refused)], listed.Select(each => (each.Letter.Sequence, each.Letter.State)).Order());
        Assert.Equal([quarantined, refused], (await Recorder.LettersAsync()).Select(each => each.Sequence));
        Assert.Single(OpenMeter.AcceptedEvents);

        bool IsTheWrite(string subject)
        {
            if (subject.StartsWith(Subjects.DeadLettersOf("usage")[..^1], StringComparison.Ordinal))
            {
                return ++letters == letter && entry == 0;
            }

            return letters == letter && subject.StartsWith("kgents.ledger.", StringComparison.Ordinal) && ++entries == entry;
        }
    }
}

public sealed class DeadLetterDeathBeforeTheServerHasIt() : DeadLetterDeathTests(CutPoint.BeforeForward);

public sealed class DeadLetterDeathBeforeTheReplicaKnows() : DeadLetterDeathTests(CutPoint.BeforeReply);
