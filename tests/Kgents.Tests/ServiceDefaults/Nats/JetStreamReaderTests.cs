using System.Text;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.ServiceDefaults.Nats;

public sealed class JetStreamReaderTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private LogStream log = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(new NatsServerSettings { SyncInterval = "2m" }, TestContext.Current.CancellationToken);
        log = await LogStream.CreateAsync(nats.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await log.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Read_GivesAllInOrder_OverSeveralBatches()
    {
        await PublishPairsAsync(600);

        var entries = await log.ReadAsync("log.a");

        Assert.Equal(Enumerable.Range(0, 600).Select(index => $"{index}"), entries.Select(entry => Encoding.UTF8.GetString(entry.Data.Span)));
        Assert.Equal(Enumerable.Range(0, 600).Select(index => (ulong)(2 * index) + 1), entries.Select(entry => entry.Sequence));
        Assert.All(entries, entry => Assert.Equal("log.a", entry.Subject));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(0, 10)]
    [InlineData(1, 10)]
    [InlineData(2, 9)]
    [InlineData(19, 1)]
    [InlineData(20, 0)]
    [InlineData(1000, 0)]
    public async Task Read_BeginsAtASequence_AlsoAtOneOfAnotherSubject(ulong from, int count)
    {
        await PublishPairsAsync(10);

        var entries = await log.ReadAsync("log.a", from);

        Assert.Equal(count, entries.Count);
        Assert.All(entries, entry => Assert.True(entry.Sequence >= from));
    }

    /// <summary>By the time of the server: what is stored before it is not read, over however many batches it goes on.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Read_BeginsAtATime()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        Assert.Empty(await SinceAsync(DateTimeOffset.UnixEpoch));
        await PublishPairsAsync(10);
        var since = (await log.Reader.LastAsync(LogStream.Name, "log.b", cancellationToken))!.Time;
        await PublishPairsAsync(400);

        Assert.Equal(Enumerable.Range(10, 400).Select(index => (ulong)(2 * index) + 1), await SinceAsync(since));
        Assert.Equal(Enumerable.Range(10, 400).Select(index => (ulong)(2 * index) + 1), await SinceAsync(since.ToOffset(TimeSpan.FromHours(5))));
        Assert.Equal(410, (await SinceAsync(DateTimeOffset.UnixEpoch)).Count);
        Assert.Empty(await SinceAsync(since.AddDays(1)));

        async Task<List<ulong>> SinceAsync(DateTimeOffset time) =>
            await log.Reader.ReadSinceAsync(LogStream.Name, "log.a", time, cancellationToken).Select(entry => entry.Sequence).ToListAsync(cancellationToken);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Read_EndsAtTheEnd_WhenMoreIsAskedForThanThereIs()
    {
        await PublishPairsAsync(3);

        Assert.Equal([1UL, 3, 5], (await log.ReadAsync("log.a", upTo: ulong.MaxValue - 1)).Select(entry => entry.Sequence));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Read_GivesNothing_WhenTheSubjectOrTheStreamIsEmpty()
    {
        Assert.Empty(await log.ReadAsync("log.a", upTo: 5));

        await PublishPairsAsync(1);
        Assert.Empty(await log.ReadAsync("log.c", upTo: 5));
    }

    /// <summary>A log that cannot be asked is not an empty one.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Read_Throws_WhenThereIsNoSuchStream()
    {
        await log.JetStream.DeleteStreamAsync(LogStream.Name, TestContext.Current.CancellationToken);

        await Assert.ThrowsAnyAsync<NatsException>(() => log.ReadAsync("log.a"));
        await Assert.ThrowsAnyAsync<NatsException>(() => log.Reader.LastAsync(LogStream.Name, "log.a", TestContext.Current.CancellationToken).AsTask());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LastAndNext_AreThoseOfTheSubject_OrNone()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        Assert.Null(await log.Reader.LastAsync(LogStream.Name, "log.a", cancellationToken));
        await PublishPairsAsync(3);

        Assert.Equal(5UL, (await log.Reader.LastAsync(LogStream.Name, "log.a", cancellationToken))!.Sequence);
        Assert.Equal(3UL, (await log.Reader.NextAsync(LogStream.Name, "log.a", 2, cancellationToken))!.Sequence);
        Assert.Equal(3UL, (await log.Reader.NextAsync(LogStream.Name, "log.a", 3, cancellationToken))!.Sequence);
        Assert.Null(await log.Reader.NextAsync(LogStream.Name, "log.a", 6, cancellationToken));
        Assert.Null(await log.Reader.LastAsync(LogStream.Name, "log.c", cancellationToken));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Wildcard_ReadsAllItsSubjectsInTheOrderOfTheStream()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await PublishPairsAsync(300);
        await log.PublishAsync("log.b.c", "deeper"u8.ToArray());

        Assert.Equal(Enumerable.Range(1, 600).Select(number => (ulong)number), (await log.ReadAsync("log.*")).Select(entry => entry.Sequence));
        Assert.Equal(Enumerable.Range(500, 101).Select(number => (ulong)number), (await log.ReadAsync("log.*", from: 500, upTo: 600)).Select(entry => entry.Sequence));
        Assert.Equal((600UL, "log.b"), (await log.Reader.LastAsync(LogStream.Name, "log.*", cancellationToken)) is { } last ? (last.Sequence, last.Subject) : default);
        Assert.Equal(7UL, (await log.Reader.NextAsync(LogStream.Name, "log.*", 7, cancellationToken))!.Sequence);
        Assert.Null(await log.Reader.LastAsync(LogStream.Name, "none.*", cancellationToken));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Range_IsWhatTheStreamStillHas()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        Assert.Equal(0UL, (await log.Reader.RangeAsync(LogStream.Name, cancellationToken)).Last);
        await PublishPairsAsync(3);
        Assert.Equal((1UL, 6UL), await log.Reader.RangeAsync(LogStream.Name, cancellationToken));

        await log.JetStream.PurgeStreamAsync(LogStream.Name, new StreamPurgeRequest { Seq = 4 }, cancellationToken);
        Assert.Equal((4UL, 6UL), await log.Reader.RangeAsync(LogStream.Name, cancellationToken));
        await log.JetStream.PurgeStreamAsync(LogStream.Name, new StreamPurgeRequest(), cancellationToken);
        Assert.Equal((7UL, 6UL), await log.Reader.RangeAsync(LogStream.Name, cancellationToken));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_KeepsItsHeadersAndTime_HoweverItIsRead()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await log.PublishAsync("log.a", [0, 0xff, 10], new NatsHeaders { ["Kgents-Event"] = "chunk", ["Kgents-Writer"] = "run:7" });

        var direct = Assert.Single(await log.ReadAsync("log.a"));
        var last = await log.Reader.LastAsync(LogStream.Name, "log.a", cancellationToken);

        Assert.All([direct, last!], entry =>
        {
            Assert.Equal("chunk", entry.Header("Kgents-Event"));
            Assert.Equal("run:7", entry.Header("Kgents-Writer"));
            Assert.Null(entry.Header("Kgents-Other"));
            Assert.Equal([0, 0xff, 10], entry.Data.ToArray());
        });

        // The server's nanoseconds are rounded in one form and cut off in the other.
        Assert.InRange((last!.Time - direct.Time).Ticks, -1, 1);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EmptyMessage_IsAMessage_NotTheEnd()
    {
        await log.PublishAsync("log.a", []);
        await log.PublishAsync("log.a", "x"u8.ToArray());
        await log.PublishAsync("log.a", [], new NatsHeaders { ["Kgents-Event"] = "chunk" });
        await log.PublishAsync("log.a", "y"u8.ToArray());

        Assert.Equal([0, 1, 0, 1], (await log.ReadAsync("log.a")).Select(entry => entry.Data.Length));
        Assert.Equal(0, (await log.Reader.NextAsync(LogStream.Name, "log.a", 1, TestContext.Current.CancellationToken))!.Data.Length);
    }

    /// <summary>Messages on log.a and log.b in turn.</summary>
    private async Task PublishPairsAsync(int count)
    {
        // One connection keeps the order, and the last ack stands for all before it.
        for (var index = 0; index < count; index++)
        {
            await log.JetStream.Connection.PublishAsync("log.a", Encoding.UTF8.GetBytes($"{index}"), cancellationToken: TestContext.Current.CancellationToken);
            if (index < count - 1)
            {
                await log.JetStream.Connection.PublishAsync("log.b", "other"u8.ToArray(), cancellationToken: TestContext.Current.CancellationToken);
            }
        }

        await log.PublishAsync("log.b", "other"u8.ToArray());
    }
}
