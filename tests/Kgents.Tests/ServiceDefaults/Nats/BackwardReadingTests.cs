using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>A stream of two subjects by turns, read from its end.</summary>
public sealed class BackwardReadingTests : IAsyncLifetime
{
    private const int Pairs = 900;

    private NatsServer nats = null!;
    private LogStream log = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(new NatsServerSettings { SyncInterval = "2m" }, TestContext.Current.CancellationToken);
        log = await LogStream.CreateAsync(nats.Url);
        for (var number = 0; number < Pairs; number++)
        {
            await log.PublishAsync("log.a", [1]);
            await log.PublishAsync("log.b", [1]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await log.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(ulong.MaxValue, Pairs)]
    [InlineData((2 * Pairs) - 1, Pairs - 1)]
    [InlineData(5, 2)]
    [InlineData(1, 0)]
    [InlineData(0, 0)]
    public async Task All_AreRead_OnceAndTheLatestFirst(ulong before, int count)
    {
        foreach (var wanted in new[] { 0, 1, 5, 51 })
        {
            var read = (await PiecesAsync(log, "log.a", before, int.MaxValue, wanted)).SelectMany(piece => piece).Select(entry => entry.Sequence).ToList();

            Assert.Equal(Enumerable.Range(0, count).Select(number => (ulong)((2 * number) + 1)).Reverse(), read);
        }
    }

    /// <summary>So many messages of the stream are in the first piece, and half of them are of the subject.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhoStops_HasReadNoMoreThanThePieces()
    {
        Assert.Equal(128, (await PiecesAsync("log.a", ulong.MaxValue, 1)).Sum(piece => piece.Count));
        Assert.Equal(128 + 512, (await PiecesAsync("log.a", ulong.MaxValue, 2)).Sum(piece => piece.Count));
    }

    /// <summary>A batch would have the server count all of them, however few are asked for.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhatIsWanted_IsReadOneByOne_AndWithoutABatch()
    {
        await PublishAsync("log.c", 300);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var reading = new LogStream(proxy.Url);

        Assert.Equal([51], (await PiecesAsync(reading, "log.c", ulong.MaxValue, 1, wanted: 51)).Select(piece => piece.Count));
        Assert.Equal((51, 0), Requests(proxy));
    }

    /// <summary>Who has none at the end of the stream pays for one look in each of eight lanes, and then for what it pays anyhow: a batch, a look behind it, and one for the first message.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhatIsWanted_AndIsNotAtTheEnd_CostsALookInEachLane()
    {
        await PublishAsync("log.c", 3);
        await PublishAsync("log.b", 100);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var reading = new LogStream(proxy.Url);

        Assert.Equal([3], (await PiecesAsync(reading, "log.c", ulong.MaxValue, int.MaxValue, wanted: 51)).Select(piece => piece.Count));
        Assert.Equal((8 + 2, 1), Requests(proxy));
    }

    /// <summary>When the first piece was not enough the first message is looked for, and what is before it, or before nothing, is not read.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(0, 2, 1)]
    [InlineData(300, 1, 2)]
    public async Task WhatIsBeforeTheFirst_CostsNothing(int messages, int looks, int batches)
    {
        await PublishAsync("log.c", messages);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var reading = new LogStream(proxy.Url);

        Assert.Equal(messages, (await PiecesAsync(reading, "log.c", ulong.MaxValue, int.MaxValue)).Sum(piece => piece.Count));
        Assert.Equal((looks, batches), Requests(proxy));
    }

    /// <summary>Of the pieces of a gap the first may be read in vain; of those that have grown the leader says that they have nothing.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Gap_IsLookedAt_AndNotReadAgain()
    {
        await PublishAsync("log.c", 1);
        await PublishAsync("log.b", 3000);
        await PublishAsync("log.c", 256);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var reading = new LogStream(proxy.Url);

        Assert.Equal([256, 1], (await PiecesAsync(reading, "log.c", ulong.MaxValue, int.MaxValue)).Select(piece => piece.Count));
        Assert.Equal((3, 3), Requests(proxy));
    }

    /// <summary>A piece has grown over a gap when it comes to where messages are many.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task NoPiece_IsMoreThanMemoryIsFor()
    {
        await PublishAsync("log.c", 3000);
        await PublishAsync("log.b", 1400);

        var pieces = await PiecesAsync("log.c", ulong.MaxValue, int.MaxValue);

        Assert.Equal(Enumerable.Range(1, 3000).Select(number => (ulong)((2 * Pairs) + number)).Reverse(), pieces.SelectMany(piece => piece).Select(entry => entry.Sequence));
        Assert.All(pieces, piece => Assert.InRange(piece.Count, 1, 1024));
    }

    private static (int OfTheLeader, int Batches) Requests(NatsProxy proxy) => (
        proxy.PublishedSubjects.Count(subject => subject.StartsWith("$JS.API.STREAM.MSG.GET.", StringComparison.Ordinal)),
        proxy.PublishedSubjects.Count(subject => subject.StartsWith("$JS.API.DIRECT.GET.", StringComparison.Ordinal)));

    private async Task PublishAsync(string subject, int count)
    {
        foreach (var some in Enumerable.Range(0, count).Chunk(100))
        {
            await Task.WhenAll(some.Select(_ => log.PublishAsync(subject, [1])));
        }
    }

    private Task<IReadOnlyList<IReadOnlyList<StoredEntry>>> PiecesAsync(string subject, ulong before, int most) => PiecesAsync(log, subject, before, most);

    private static async Task<IReadOnlyList<IReadOnlyList<StoredEntry>>> PiecesAsync(LogStream log, string subject, ulong before, int most, int wanted = 0) =>
        await log.Reader.ReadBackwardsAsync(LogStream.Name, subject, before, TestContext.Current.CancellationToken, wanted).Take(most).ToListAsync(TestContext.Current.CancellationToken);
}
