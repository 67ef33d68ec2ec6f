using System.Globalization;
using Kgents.Api.Telemetry;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api;

/// <summary>All viewers of a turn on a replica share one feed, and each sees every event once, wherever it began and however slow it is.</summary>
public sealed class TurnFeedTests : TurnTest
{
    private KgentsHost host = null!;
    private TurnAddress turn;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:Stream:RingSize", "8"));
        turn = new TurnAddress(Conversations.Tenant, SessionId.Parse(await host.Client.CreateSessionAsync()), TurnId.New(TimeProvider.System));
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Viewers_ShareOneFeed_AndItGoesWithTheLast()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.DefaultScript = held;
        var session = await host.Client.CreateSessionAsync();
        using var post = await host.Client.PostAsync(session, "count");
        var id = (await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString();
        var others = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.Client.GetAsync(
            new Uri($"/v1/kgent/sessions/{session}/turns/{id}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken)));

        Assert.Equal(1, Feeds.Count);
        Assert.Empty(await host.JetStream.ListConsumerNamesAsync(Streams.Tokens.Name, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        held.Release();
        var seen = await Task.WhenAll(others.Append(post).Select(async response => await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)));

        Assert.All(seen, frames => Assert.Equal(seen[0], frames));
        await Eventually.TrueAsync(() => Feeds.Count == 0);
        Array.ForEach(others, response => response.Dispose());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EachViewer_SeesEveryEventOnceFromItsCursor_WhereverTheFeedAndTheRingAre()
    {
        var stored = new List<ulong>();
        for (var index = 0; index < 30; index++)
        {
            stored.Add(await Conversations.LogAsync(host, turn.Session, turn.Turn, index == 0 ? new TurnAccepted(turn.Turn, 1, "m") : new TurnChunk($" {index}", index - 1)));
        }

        // The first viewer sets where the feed begins; the others are before it, behind the ring, in it and at its end.
        ulong[] cursors = [stored[24], 0, stored[4], stored[23], stored[25], stored[27], stored[29]];
        var bodies = cursors.Select(_ => new RecordingBody()).ToList();
        var viewers = cursors.Zip(bodies, ViewAsync).ToList();
        for (var index = 30; index < 60; index++)
        {
            stored.Add(await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnChunk($" {index}", index - 1)));
        }

        bodies.Add(new RecordingBody());
        var late = ViewAsync(stored[9], bodies[^1]);
        stored.Add(await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnFailed("interrupted", "over")));

        foreach (var (cursor, viewer) in cursors.Append(stored[9]).Zip(viewers.Append(late)))
        {
            Assert.Equal(stored.Where(sequence => sequence > cursor), await viewer);
        }

        bodies.ForEach(body => body.Dispose());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EachViewer_SeesEveryEventOnce_WhileTheRingGrows()
    {
        await using var large = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:RingSize", "50"));
        var feeds = large.Services.GetRequiredService<TurnFeeds>();
        await using var first = feeds.Join(turn, 0);
        var bodies = new List<RecordingBody>();
        var viewers = new List<Task<IReadOnlyList<ulong>>>();
        var stored = new List<ulong>();
        for (var index = 0; index < 120; index++)
        {
            stored.Add(await Conversations.LogAsync(host, turn.Session, turn.Turn, index == 0 ? new TurnAccepted(turn.Turn, 1, "m") : new TurnChunk($" {index}", index - 1)));
            if (index % 10 == 0)
            {
                bodies.Add(new RecordingBody());
                viewers.Add(ViewAsync(feeds, 0, bodies[^1]));
            }
        }

        stored.Add(await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnFailed("interrupted", "over")));

        foreach (var viewer in viewers)
        {
            Assert.Equal(stored, await viewer);
        }

        await first.Feed.Completion;
        Assert.Equal(71, first.Feed.Find(stored[70], out _));
        Assert.Null(first.Feed.Find(stored[69], out _));
        bodies.ForEach(body => body.Dispose());
    }

    /// <summary>What is ready goes out in one flush, and what is very much in pieces, each larger than what is left over.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(1, 1)]
    [InlineData(4_000, 3)]
    public async Task Viewer_SendsAllThatIsReadyInOneFlush_OrInLargePieces(int size, int flushes)
    {
        await using var large = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:RingSize", "50"));
        await using var lease = large.Services.GetRequiredService<TurnFeeds>().Join(turn, 0);
        await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnAccepted(turn.Turn, 1, "m"));
        for (var index = 0; index < 20; index++)
        {
            await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnChunk(new string('x', size), index));
        }

        await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnFailed("interrupted", "over"));
        await lease.Feed.Completion;
        using var body = new RecordingBody();

        Assert.True(await new TurnViewer(lease.Feed, 0, host.Reader, host.Services.GetRequiredService<ApiMetrics>(), TimeProvider.System).RunAsync(body.Viewer, TimeSpan.FromHours(1), CancellationToken.None, TestContext.Current.CancellationToken));

        Assert.Equal(flushes, body.Flushes.Count);
        Assert.Equal(body.Text.Length, body.Flushes.Sum());
        Assert.All(body.Flushes.SkipLast(1), flush => Assert.True(flush >= 32 * 1024));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Feed_IsTheSameForAllViewers_AndStaysUntilTheLastLeaves()
    {
        var first = Feeds.Join(turn, 0);
        var second = Feeds.Join(turn, 5);
        Assert.Same(first.Feed, second.Feed);

        await first.DisposeAsync();
        Assert.False(second.Feed.IsOver);
        await second.DisposeAsync();

        Assert.True(second.Feed.IsOver);
        Assert.Equal(0, Feeds.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NewFeed_IsMade_WhenTheOldOneHasEnded()
    {
        await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnAccepted(turn.Turn, 1, "m"));
        await Conversations.LogAsync(host, turn.Session, turn.Turn, new TurnFailed("interrupted", "over"));
        await using var first = Feeds.Join(turn, 0);
        await first.Feed.Completion;

        await using var second = Feeds.Join(turn, 0);

        Assert.NotSame(first.Feed, second.Feed);
    }

    private TurnFeeds Feeds => host.Services.GetRequiredService<TurnFeeds>();

    /// <summary>The ids that a viewer with this cursor is sent, up to the terminal event.</summary>
    private Task<IReadOnlyList<ulong>> ViewAsync(ulong after, RecordingBody body) => ViewAsync(Feeds, after, body);

    private async Task<IReadOnlyList<ulong>> ViewAsync(TurnFeeds feeds, ulong after, RecordingBody body)
    {
        await using var lease = feeds.Join(turn, after);
        Assert.True(await new TurnViewer(lease.Feed, after, host.Reader, host.Services.GetRequiredService<ApiMetrics>(), TimeProvider.System).RunAsync(body.Viewer, TimeSpan.FromHours(1), CancellationToken.None, TestContext.Current.CancellationToken));
        return [.. body.Text.Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).Select(line => ulong.Parse(line[4..], CultureInfo.InvariantCulture))];
    }
}
