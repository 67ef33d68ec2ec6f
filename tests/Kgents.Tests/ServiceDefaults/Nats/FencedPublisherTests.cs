using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.ServiceDefaults.Nats;

public sealed class FencedPublisherTests : IAsyncLifetime
{
    private const string Subject = "log.turn";

    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private LogStream other = null!;

    /// <summary>The writer that things happen to, and which soon takes an answer for lost; <see cref="other"/> is connected past the proxy.</summary>
    private LogStream writer = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        other = await LogStream.CreateAsync(nats.Url);
        writer = new LogStream(proxy.Url, LogStream.Impatient);
    }

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await other.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Append_IsStored_WhenTheSubjectIsWhereTheWriterThinks()
    {
        await other.AppendAsync("log.neighbour", "n", 0);

        var first = await writer.AppendAsync(Subject, "w:0", 0);
        var second = await writer.AppendAsync(Subject, "w:1", first.Sequence);

        Assert.Equal([FencedResult.Stored(2), FencedResult.Stored(3)], [first, second]);
        Assert.Equal(["w:0", "w:1"], await other.WritersAsync(Subject));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Append_IsLost_WhenAStrangerWasFirst()
    {
        var mine = await writer.AppendAsync(Subject, "w:0", 0);
        await other.AppendAsync(Subject, "stranger:0", mine.Sequence);
        await other.AppendAsync(Subject, "stranger:1", mine.Sequence + 1);

        var result = await writer.AppendAsync(Subject, "w:1", mine.Sequence);

        Assert.False(result.IsStored);
        Assert.Equal("stranger:0", LogStream.WriterOf(result.Winner));
        Assert.Equal(["w:0", "stranger:0", "stranger:1"], await other.WritersAsync(Subject));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Append_IsFoundByReading_WhenItsAckIsLost()
    {
        proxy.DropRepliesOnce(subject => subject == Subject);

        var result = await writer.AppendAsync(Subject, "w:0", 0);

        Assert.Equal(FencedResult.Stored(1), result);
        Assert.Equal(1, proxy.DroppedReplies);

        // Once; and again only after a look for it that had no answer either.
        Assert.InRange(proxy.PublishedSubjects.Count(subject => subject == Subject), 1, Uncertain());
        Assert.Equal(["w:0"], await other.WritersAsync(Subject));
    }

    /// <summary>The first copy comes so late that it is sent again: the server refuses the second one, whose writer finds itself in what it reads back.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Append_IsFoundByReadingBack_WhenItsOwnCopyWasFirst()
    {
        var before = await writer.AppendAsync(Subject, "w:0", 0);
        var hold = proxy.HoldOnce(subject => subject == Subject);

        var appending = writer.AppendAsync(Subject, "w:1", before.Sequence);
        await hold.Reached;

        // Of the first copy, of the look for it, and of the second copy.
        await Eventually.TrueAsync(() => Uncertain() >= 3);
        hold.Release();

        Assert.Equal(FencedResult.Stored(2), await appending);
        Assert.True(proxy.PublishedSubjects.Count(subject => subject == Subject) >= 3);
        Assert.Equal(["w:0", "w:1"], await other.WritersAsync(Subject));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward)]
    [InlineData(CutPoint.BeforeReply)]
    public async Task Append_IsStoredOnce_WhenTheConnectionBreaksAtIt(CutPoint point)
    {
        var before = await writer.AppendAsync(Subject, "w:0", 0);
        proxy.CutAt(1, point, subject => subject == Subject);

        var appending = writer.AppendAsync(Subject, "w:1", before.Sequence);
        await proxy.CutHappened;
        proxy.Restore();

        Assert.Equal(FencedResult.Stored(2), await appending);
        Assert.Equal(["w:0", "w:1"], await other.WritersAsync(Subject));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward, "stranger")]
    [InlineData(CutPoint.BeforeReply, "w")]
    public async Task Append_KnowsWhoWon_WhenAnotherWritesWhileItIsCutOff(CutPoint point, string winner)
    {
        proxy.CutAt(1, point, subject => subject == Subject);

        var appending = writer.AppendAsync(Subject, "w", 0);
        await proxy.CutHappened;
        var strangers = await other.AppendAsync(Subject, "stranger", 0);
        proxy.Restore();
        var mine = await appending;

        Assert.Equal([winner], await other.WritersAsync(Subject));
        Assert.Equal(winner == "w", mine.IsStored);
        Assert.Equal(winner == "stranger", strangers.IsStored);
        Assert.Equal(winner, LogStream.WriterOf(mine.Winner ?? strangers.Winner));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Append_SaysThatTheSubjectIsGone_WhenItWasPurged()
    {
        var before = await writer.AppendAsync(Subject, "w:0", 0);
        await other.JetStream.PurgeStreamAsync(LogStream.Name, new StreamPurgeRequest { Filter = Subject }, TestContext.Current.CancellationToken);

        Assert.Equal(FencedResult.SubjectGone, await writer.AppendAsync(Subject, "w:1", before.Sequence));
        Assert.Empty(await other.WritersAsync(Subject));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OneOfManyAppends_IsStored_WhenAllExpectTheSame()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(index => (index % 2 == 0 ? writer : other).AppendAsync(Subject, $"w:{index}", 0)));

        var stored = Assert.Single(await other.WritersAsync(Subject));
        Assert.Equal($"w:{results.Index().Single(result => result.Item.IsStored).Index}", stored);
        Assert.All(results.Where(result => !result.IsStored), result => Assert.Equal(stored, LogStream.WriterOf(result.Winner)));
    }

    /// <summary>How often the writer did not get to know something.</summary>
    private int Uncertain() => writer.Logs.Lines.Count(line => line.Contains("is not known", StringComparison.Ordinal));
}
