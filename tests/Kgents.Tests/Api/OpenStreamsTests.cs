using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api;

/// <summary>A tenant has so many streams on a replica and no more; one that is refused has done nothing.</summary>
public sealed class OpenStreamsTests : TurnTest
{
    private const int Limit = 3;

    private ModelScript held = null!;
    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("one"));
        host = await KgentsHost.StartAsync(
            Nats.Url,
            Parts.Api | Parts.Streaming,
            ("ConnectionStrings:llm", Model.ConnectionString),
            ("Turns:DrainTimeout", "00:00:00"),
            ("Turns:Stream:MaxPerTenant", $"{Limit}"));
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.quota.refused")]
    public async Task Post_IsRefusedAndStoresNothing_WhenTheTenantHasItsStreams()
    {
        using var streams = await OpenAsync();
        var session = await host.Client.CreateSessionAsync();

        using var refused = await host.Client.PostAsync(session, "one more");

        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        Assert.Equal(("urn:kgents:problem:too-many-streams", Limit), (problem.GetProperty("type").GetString(), problem.GetProperty("limit").GetInt32()));
        Assert.Equal(TimeSpan.FromSeconds(2), refused.Headers.RetryAfter?.Delta);
        Assert.Empty(await host.Client.MessagesAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyedPost_LeavesNothingOfItsKey_WhenItIsRefused()
    {
        var session = await host.Client.CreateSessionAsync();
        using (var streams = await OpenAsync())
        {
            using var refused = await PostKeyedAsync(session, "first");
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        }

        await Eventually.TrueAsync(() => Open == 0);
        using var stored = await PostKeyedAsync(session, "another message");

        Assert.Equal(HttpStatusCode.OK, stored.StatusCode);
        Assert.False(stored.Headers.Contains("Idempotency-Replayed"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnswerWithoutAStream_IsNoStream()
    {
        using var streams = await OpenAsync();
        held.Release();
        Model.DefaultScript = ModelScript.Reply("one");

        using var answer = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "one more", stream: false);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnotherTenant_IsNotRefused()
    {
        using var streams = await OpenAsync();
        using var other = await host.NewClientAsync("other");

        using var post = await other.PostAsync(await other.CreateSessionAsync(), "hello");

        Assert.Equal(HttpStatusCode.OK, post.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsGivenBack_HoweverTheRequestEnds()
    {
        var session = await host.Client.CreateSessionAsync();
        var post = await host.Client.PostAsync(session, "hello");
        var turn = (await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString();
        Assert.Equal(1, Open);

        // A post that is refused as the session is busy is no stream.
        using (var busy = await host.Client.PostAsync(session, "again"))
        {
            Assert.Equal(HttpStatusCode.Conflict, busy.StatusCode);
        }

        await Eventually.TrueAsync(() => Open == 1);

        // A client that leaves.
        post.Dispose();
        await Eventually.TrueAsync(() => Open == 0);

        // A turn that ends, and then one that has ended.
        using (var follow = await FollowAsync(session, turn))
        {
            held.Release();
            await SseClient.ReadAsync(follow, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        }

        await Eventually.TrueAsync(() => Open == 0);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsGivenBack_WhenTheStoreDoesNotAnswer()
    {
        var session = await host.Client.CreateSessionAsync();
        await host.JetStream.DeleteStreamAsync(Streams.Messages.Name, TestContext.Current.CancellationToken);

        using var failed = await host.Client.PostAsync(session, "hello");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        await Eventually.TrueAsync(() => Open == 0);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Limit_HoldsExactly_WhenManyComeAtOnce()
    {
        var session = await host.Client.CreateSessionAsync();
        using (var post = await host.Client.PostAsync(session, "hello"))
        {
            Assert.Equal(HttpStatusCode.OK, post.StatusCode);
        }

        await Eventually.TrueAsync(() => Open == 0);
        var turn = (await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString();
        var responses = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => FollowAsync(session, turn)));

        Assert.Equal(Limit, responses.Count(response => response.StatusCode == HttpStatusCode.OK));
        Assert.Equal(40 - Limit, responses.Count(response => response.StatusCode == HttpStatusCode.TooManyRequests));
        Array.ForEach(responses, response => response.Dispose());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Limit_HoldsExactly_WhenManyPostAtOnce()
    {
        var sessions = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.Client.CreateSessionAsync()));

        var responses = await Task.WhenAll(sessions.Select(session => host.Client.PostAsync(session, "hello")));

        Assert.Equal(Limit, responses.Count(response => response.StatusCode == HttpStatusCode.OK));
        foreach (var (session, response) in sessions.Zip(responses))
        {
            Assert.Equal(response.StatusCode == HttpStatusCode.OK ? 1 : 0, (await host.Client.MessagesAsync(session)).Count);
            response.Dispose();
        }
    }

    private int Open => host.Services.GetRequiredService<OpenStreams>().CountOf(Conversations.Tenant);

    /// <summary>As many streams as the tenant may have.</summary>
    private async Task<Disposables> OpenAsync()
    {
        var responses = new List<HttpResponseMessage>();
        for (var index = 0; index < Limit; index++)
        {
            responses.Add(await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "hello"));
            Assert.Equal(HttpStatusCode.OK, responses[^1].StatusCode);
        }

        return new Disposables(responses);
    }

    private Task<HttpResponseMessage> FollowAsync(string session, string? turn) => host.Client.GetAsync(
        new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private async Task<HttpResponseMessage> PostKeyedAsync(string session, string message)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message }) };
        request.Headers.Add("Idempotency-Key", "key");
        return await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private sealed class Disposables(List<HttpResponseMessage> all) : IDisposable
    {
        public void Dispose() => all.ForEach(each => each.Dispose());
    }
}
