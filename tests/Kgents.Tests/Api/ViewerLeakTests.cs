using System.Text.RegularExpressions;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api;

/// <summary>Thousands of viewers come and go, of turns and of sessions that stay: what each of them had is given back.</summary>
[TakesSeconds(26)]
public sealed partial class ViewerLeakTests : IAsyncLifetime
{
    private const int Rounds = 10;
    private const int Viewers = 200;

    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(new NatsServerSettings { Trace = true }, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Plans:Table:custom:Streams", "100000"));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsLeft_OfThousandsOfViewersThatCameAndLeft()
    {
        // Nobody answers, so the turns stay open.
        string[] paths = [await OpenAsync(), await OpenAsync(), await OpenAsync(ofSession: true)];
        var (feeds, clock) = (host.Services.GetRequiredService<TurnFeeds>(), host.Services.GetRequiredService<IdleClock>());

        // One of them has a viewer that stays, and with it a feed that does.
        using var staying = await ViewAsync(paths[0]);
        await Eventually.TrueAsync(() => feeds.Count == 1);
        for (var round = 0; round < Rounds; round++)
        {
            var viewers = await Task.WhenAll(Enumerable.Range(0, Viewers).Select(viewer => ViewAsync(paths[viewer % paths.Length])));
            Assert.All(viewers, viewer => Assert.True(viewer.IsSuccessStatusCode));
            Array.ForEach(viewers, viewer => viewer.Dispose());
            await Eventually.TrueAsync(() => Open == 1);
        }

        await Eventually.TrueAsync(() => feeds.Count == 1 && Open == 1);
        await Eventually.TrueAsync(async () => await OpenEverywhereAsync() == 1);
        var feed = await FeedAsync(feeds, paths[0]);
        Assert.Equal(1, feed.Viewers);
        await Eventually.TrueAsync(() => feed.Watched == 1 && clock.Count == 1);
        await Eventually.TrueAsync(async () => await SubscriptionsAsync() == 1);

        staying.Dispose();
        await Eventually.TrueAsync(async () => feeds.Count == 0 && Open == 0 && await OpenEverywhereAsync() == 0 && await SubscriptionsAsync() == 0);
        Assert.Equal((0, 0), (feed.Watched, clock.Count));
    }

    /// <summary>As it is when this has left it again.</summary>
    private static async Task<TurnFeed> FeedAsync(TurnFeeds feeds, string path)
    {
        var parts = path.Split('/');
        await using var lease = feeds.Join(new FollowedLog(Conversations.Tenant, SessionId.Parse(parts[4]), TurnId.Parse(parts[6])), 0);
        return lease.Feed;
    }

    private int Open => host.Services.GetRequiredService<OpenStreams>().CountOf(Conversations.Tenant);

    private async Task<int> OpenEverywhereAsync() =>
        await host.Reader.LastAsync(Subjects.KeyValueStream(Buckets.OpenStreams), Subjects.KeyValue(Buckets.OpenStreams, "default"), TestContext.Current.CancellationToken) is { } entry
            ? System.Text.Json.JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.OpenStreamsRecord)!.Replicas.Values.Sum(each => each.Open)
            : 0;

    /// <summary>Of what is republished, as the server was told of them: those that began and have not ended.</summary>
    private async Task<int> SubscriptionsAsync()
    {
        var open = new HashSet<(string Client, string Id)>();
        foreach (var line in await nats.ReadLogAsync(TestContext.Current.CancellationToken))
        {
            if (Subscribed().Match(line) is { Success: true } began)
            {
                open.Add((began.Groups[1].Value, began.Groups[2].Value));
            }
            else if (Unsubscribed().Match(line) is { Success: true } ended)
            {
                open.Remove((ended.Groups[1].Value, ended.Groups[2].Value));
            }
        }

        return open.Count;
    }

    private async Task<string> OpenAsync(bool ofSession = false)
    {
        var session = await host.Client.CreateSessionAsync();
        using var post = await host.Client.PostAsync(session, "hello");
        return ofSession ? $"/v1/kgent/sessions/{session}/events" : $"/v1/kgent/sessions/{session}/turns/{(await host.AskedAsync(session))[0]}/events";
    }

    private Task<HttpResponseMessage> ViewAsync(string path) =>
        host.Client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    [GeneratedRegex(@"cid:(\d+).*<<- \[SUB kgents\.live\.\S+ +(\d+)\]")]
    private static partial Regex Subscribed();

    [GeneratedRegex(@"cid:(\d+).*<<- \[UNSUB (\d+)")]
    private static partial Regex Unsubscribed();
}
