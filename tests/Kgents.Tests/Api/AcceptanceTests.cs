using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Authentication;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.Tests.Api;

/// <summary>Accepting a message is one fenced publish: it is stored once, or not at all, whatever is lost on the way.</summary>
public sealed class AcceptanceTests : IAsyncLifetime
{
    private NatsServer nats = null!;

    public async ValueTask InitializeAsync() => nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await nats.DisposeAsync();

    [Fact(Timeout = Limits.Test)]
    public async Task OneTurn_IsAcceptedAndTheRestAnswered409_WhenManyPostAtOnce()
    {
        await using var first = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        await using var second = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        var session = await first.Client.CreateSessionAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => (number % 2 == 0 ? first : second).Client.PostAsync(session, $"message {number}")));

        Assert.Single(responses, response => response.StatusCode == HttpStatusCode.OK);
        Assert.Equal(49, responses.Count(response => response.StatusCode == HttpStatusCode.Conflict));
        var message = Assert.Single(await first.Client.MessagesAsync(session));
        var refusal = await responses.First(response => response.StatusCode == HttpStatusCode.Conflict).Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal("urn:kgents:problem:turn-in-progress", refusal.GetProperty("type").GetString());
        Assert.Equal(message.GetProperty("turn_id").GetString(), refusal.GetProperty("turn_id").GetString());
        Array.ForEach(responses, response => response.Dispose());
    }

    /// <summary>It was written to what the session had said before: the answer that came meanwhile is not what it replies to.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsRefused_WhenAnotherTookItsPlaceAndIsAnsweredAlready()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        await using var fast = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
        var session = await fast.Client.CreateSessionAsync();
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        var late = slow.Client.PostAsync(session, "late");
        await hold.Reached;

        Assert.Equal("complete", new Turn(await fast.Client.SayAsync(session, "hello")).EndKind);
        hold.Release();
        using var refused = await late;

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Single(await fast.AskedAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsStoredOnce_WhenTheAckIsLost()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        var session = await host.Client.CreateSessionAsync();

        proxy.DropRepliesOnce(subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        using var response = await host.Client.PostAsync(session, "hello");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(1, proxy.DroppedReplies);
        Assert.Single(await host.Client.MessagesAsync(session));
    }

    /// <summary>Whether it is stored already, nobody could tell, and it has its place in a quota.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsStored_WhenItsClientLeavesBeforeItIsKnownToBe()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Messages:AcceptTimeout", "00:01:00"));
        await using var other = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        var session = await host.Client.CreateSessionAsync();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));

        var post = host.Client.PostAsJsonAsync(new Uri($"/v1/kgent/sessions/{session}/messages", UriKind.Relative), new { message = "hello" }, leaving.Token);
        await proxy.CutHappened;
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => post);
        proxy.Restore();

        await Eventually.TrueAsync(async () => (await other.AskedAsync(session)).Count == 1);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Post_IsAnswered503AndStoresNothing_WhenTheStoreStopsAnswering()
    {
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Messages:AcceptTimeout", "00:00:01"));
        var session = await host.Client.CreateSessionAsync();

        nats.Pause();
        using var response = await host.Client.PostAsync(session, "hello");
        nats.Resume();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Empty(await host.Client.MessagesAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task BootstrapKey_IsMadeOnce_WhenReplicasStartTogether()
    {
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => KgentsHost.StartAsync(nats.Url, Parts.Api, ("Auth:BootstrapKey", null))));
        await Task.WhenAll(hosts.Select(host => host.Services.GetServices<IHostedService>().OfType<BootstrapKeyWorker>().Single().ExecuteTask!));

        var keys = await hosts[0].Reader.ReadAsync(Subjects.KeyValueStream(Buckets.ApiKeys), Subjects.KeyValue(Buckets.ApiKeys, "*"), 1, 0, TestContext.Current.CancellationToken)
            .Where(entry => !entry.Subject.Contains("._", StringComparison.Ordinal)).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Single(keys);
        await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
    }
}
