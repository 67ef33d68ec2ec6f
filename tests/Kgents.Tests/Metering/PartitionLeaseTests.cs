using System.Text;
using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Lease;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Metering;

/// <summary>By a clock of the test's, which goes on only when what it waits for has happened.</summary>
public sealed class PartitionLeaseTests : MeteringTest
{
    private static readonly LedgerOptions Settings = new();

    private readonly FakeTimeProvider time = new();

    [Fact(Timeout = Limits.Test)]
    public async Task Lease_HasOneHolder_UntilItIsGivenBack()
    {
        var (one, two) = (NewLease(), NewLease());
        await one.AcquireAsync(TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var keeping = one.KeepAsync(stop.Token);
        var waiting = two.AcquireAsync(TestContext.Current.CancellationToken);

        // For three times as long as the lease: somebody who took it would end the other's keeping.
        for (var renewal = 0; renewal < 9; renewal++)
        {
            var before = await LastAsync();
            time.Advance(Settings.Lease / 3);
            await Eventually.TrueAsync(async () => keeping.IsCompleted || await LastAsync() > before);
        }

        Assert.Equal((true, false, false, false), (one.IsHeld, two.IsHeld, waiting.IsCompleted, keeping.IsCompleted));

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keeping);
        await one.ReleaseAsync(TestContext.Current.CancellationToken);
        await PassUntilAsync(waiting, Settings.Lease / 20);
        Assert.Equal((false, true), (one.IsHeld, two.IsHeld));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Lease_IsTaken_WhenItsHolderIsNotHeardOf_AndTheHolderNotices()
    {
        var (dead, heir) = (NewLease(), NewLease());
        await dead.AcquireAsync(TestContext.Current.CancellationToken);
        await PassUntilAsync(heir.AcquireAsync(TestContext.Current.CancellationToken), Settings.Lease / 20);
        Assert.Equal((false, true), (dead.IsHeld, heir.IsHeld));

        await PassUntilAsync(dead.KeepAsync(TestContext.Current.CancellationToken), Settings.Lease / 20);
        Assert.False(dead.IsHeld);
    }

    /// <summary>Its holder is alive and its renewal does not arrive: it stops on its own before anybody else may begin.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Holder_StopsByItself_WhenItCannotRenew()
    {
        var holder = NewLease();
        await holder.AcquireAsync(TestContext.Current.CancellationToken);
        time.Advance(Settings.Lease - TimeSpan.FromMilliseconds(1));
        Assert.True(holder.IsHeld);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(holder.IsHeld);
    }

    /// <summary>A replica that was frozen for longer than its lease, with events in hand: another one may have sent them since.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(429, 1)]
    [InlineData(400, 2)]
    public async Task NothingIsSent_WhenTheLeaseIsOver(int status, int requests)
    {
        const int partition = 1;
        await using var metering = await StartAsync();
        var lease = NewLease(partition);
        await lease.AcquireAsync(TestContext.Current.CancellationToken);
        (await Recorder.Host.JetStream.PublishAsync(
            Subjects.Usage(UsageRecorder.Tenant, SessionId.New(partition, TimeProvider.System)),
            Encoding.UTF8.GetBytes(UsageSample.Event("an event", UsageRecorder.Tenant, 1)),
            NatsRawSerializer<byte[]>.Default,
            cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();
        OpenMeter.Rule = () =>
        {
            // While a request is under way: the first, which is certainly not taken, or that of the good event with which a refused one is compared.
            if (OpenMeter.Requests.Count == requests)
            {
                time.Advance(Settings.Lease);
            }

            return OpenMeter.Requests.Count == 1 ? new OpenMeterFault(RequestFault.Refused, status) : null;
        };

        await Assert.ThrowsAsync<LedgerFenceLostException>(
            () => metering.Services.GetRequiredService<MeteringSessions>().Create(partition, lease).RunAsync(TestContext.Current.CancellationToken, TestContext.Current.CancellationToken));
        Assert.Equal(requests, OpenMeter.Requests.Count);
    }

    /// <summary>Not when it is written that somebody has the lease: that one is still to hear of it, and would have it no more.</summary>
    private async Task PassUntilAsync(Task task, TimeSpan step)
    {
        var before = await LastAsync();
        await Eventually.TrueAsync(async () =>
        {
            if (await LastAsync() == before)
            {
                time.Advance(step);
            }

            return task.IsCompleted;
        });
        await task;
    }

    private async Task<ulong> LastAsync() =>
        (await Recorder.Host.Reader.LastAsync(Subjects.KeyValueStream(Buckets.Leases), Subjects.MeteringLease(0), TestContext.Current.CancellationToken))!.Sequence;

    private PartitionLease NewLease(int partition = 0) => new(partition, Recorder.Host.Reader, Recorder.Host.Services.GetRequiredService<FencedPublisher>(), Options.Create(Settings), time);
}
