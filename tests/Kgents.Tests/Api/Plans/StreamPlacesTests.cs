using System.Net;
using System.Net.Http.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Plans;

/// <summary>A tenant has as many streams open as its plan says, and not one more, whichever replicas it asks and however they end.</summary>
[TakesSeconds(27)]
public sealed class StreamPlacesTests : IAsyncLifetime
{
    private const int Limit = 5;

    private readonly MovableTime time = new();
    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;
    private string path = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api, time, ("Plans:Table:custom:Streams", $"{Limit}"));
        replica = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Plans:Table:custom:Streams", $"{Limit}"));

        // Nobody answers, so who follows the turn stays.
        var session = await host.Client.CreateSessionAsync();
        using var post = await host.Client.PostAsync(session, "hello");
        path = $"/v1/kgent/sessions/{session}/turns/{(await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString()}/events";
        post.Dispose();
        await Eventually.TrueAsync(async () => await OpenAsync() == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AsManyOpen_AsThePlanSays_OfManyAtOnceOnTwoReplicas()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => FollowAsync(number % 2 == 0 ? host : replica)));

        Assert.Equal(Limit, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(40 - Limit, answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Equal(Limit, await OpenAsync());
        Array.ForEach(answers, answer => answer.Dispose());
        await Eventually.TrueAsync(async () => await OpenAsync() == 0);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsFreeForEveryReplica_WhenItsStreamEnds()
    {
        var streams = await FillAsync(host);
        using var refused = await FollowAsync(replica);
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(2)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));
        var problem = await refused.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.GetProperty("type").GetString());
        Assert.Equal(["streams"], problem.GetProperty("violated-policies").EnumerateArray().Select(policy => policy.GetString()));

        streams[0].Dispose();
        await Eventually.TrueAsync(async () => await OpenAsync() == Limit - 1);
        using var next = await FollowAsync(replica);
        using var further = await FollowAsync(host);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (next.StatusCode, further.StatusCode));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Places_AreFreeAtOnce_WhenTheirReplicaIsStopped()
    {
        await FillAsync(replica);

        await replica.DisposeAsync();

        Assert.Equal(0, await OpenAsync());
        await FillAsync(host);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Places_OfADeadReplica_AreFreeAfterItsLease()
    {
        await FillAsync(replica);
        proxy.CutAt(1, CutPoint.BeforeForward);
        using var early = await FollowAsync(host);
        Assert.Equal(HttpStatusCode.TooManyRequests, early.StatusCode);

        time.Ahead = TimeSpan.FromMinutes(1);

        await FillAsync(host);
    }

    /// <summary>What it took while it was away, or before, it has again with its next word.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Places_AreToldAgain_WhenTheRecordIsLost()
    {
        var streams = await FillAsync(host);
        await Conversations.StoreAsync(host, Subjects.KeyValue(Buckets.OpenStreams, "default"), """{"replicas":{}}"""u8.ToArray());

        streams[0].Dispose();

        await Eventually.TrueAsync(async () => await OpenAsync() == Limit - 1);
    }

    /// <summary>Streams that all replicas say they have.</summary>
    private async Task<int> OpenAsync()
    {
        var entry = await host.Reader.LastAsync(Subjects.KeyValueStream(Buckets.OpenStreams), Subjects.KeyValue(Buckets.OpenStreams, "default"), TestContext.Current.CancellationToken);
        return entry is null ? 0 : System.Text.Json.JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.OpenStreamsRecord)!.Replicas.Values.Sum(each => each.Open);
    }

    private async Task<IReadOnlyList<HttpResponseMessage>> FillAsync(KgentsHost at)
    {
        var streams = await Task.WhenAll(Enumerable.Range(0, Limit).Select(_ => FollowAsync(at)));
        Assert.All(streams, stream => Assert.Equal(HttpStatusCode.OK, stream.StatusCode));
        return streams;
    }

    private Task<HttpResponseMessage> FollowAsync(KgentsHost at) =>
        at.Client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
}
