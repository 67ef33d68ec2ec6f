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
        var read = (await PiecesAsync("log.a", before, int.MaxValue)).SelectMany(piece => piece).Select(entry => entry.Sequence).ToList();

        Assert.Equal(Enumerable.Range(0, count).Select(number => (ulong)((2 * number) + 1)).Reverse(), read);
    }

    /// <summary>So many messages of the stream are in the first piece, and half of them are of the subject.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhoStops_HasReadNoMoreThanThePieces()
    {
        Assert.Equal(128, (await PiecesAsync("log.a", ulong.MaxValue, 1)).Sum(piece => piece.Count));
        Assert.Equal(128 + 512, (await PiecesAsync("log.a", ulong.MaxValue, 2)).Sum(piece => piece.Count));
    }

    /// <summary>What is not there costs a request for each piece, and these grow.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task SubjectWithoutMessages_IsLookedForInFewPieces()
    {
        var pieces = await PiecesAsync("log.c", ulong.MaxValue, int.MaxValue);

        Assert.Equal([0, 0, 0], pieces.Select(piece => piece.Count));
    }

    private async Task<IReadOnlyList<IReadOnlyList<StoredEntry>>> PiecesAsync(string subject, ulong before, int most) =>
        await log.Reader.ReadBackwardsAsync(LogStream.Name, subject, before, TestContext.Current.CancellationToken).Take(most).ToListAsync(TestContext.Current.CancellationToken);
}
