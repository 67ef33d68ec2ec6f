using System.Net;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>As many turns are open as the plan says, and a place is given back whoever dies.</summary>
public sealed class OpenTurnTests : QuotaTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task AsManyTurnsAreOpen_AsThePlanSays_OfManyPostsAtOnceOnTwoReplicas()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "3"));
        await using var replica = await StartAsync(Nats.Url, Parts.Api, ("Plans:Table:narrow:Turns", "3"));
        var (here, there) = await ClientsAsync(host, replica);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => here.CreateSessionAsync()));

        var responses = await Task.WhenAll(sessions.Select((session, number) => (number % 2 == 0 ? here : there).PostAsync(session, "hello")));
        for (var turn = 0; turn < 4; turn++)
        {
            held.Release();
        }

        var turns = await Task.WhenAll(responses.Where(response => response.IsSuccessStatusCode).Select(response => response.TurnAsync()));

        Assert.Equal(3, turns.Length);
        Assert.Equal(17, responses.Count(response => response.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Empty((await QuotaAsync(host)).Open);
        Assert.Equal("complete", new Turn(await there.SayAsync(sessions[0], "again")).EndKind);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward)]
    [InlineData(CutPoint.BeforeReply)]
    public async Task Turn_IsSettledOnce_WhenItsWorkerIsCutOffOverIt(CutPoint point)
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await StartAsync(Nats.Url, Parts.Api, ("Plans:Table:narrow:TokensPerMonth", "10000"));
        var worker = await StartAsync(proxy.Url, Parts.Streaming, ("Turns:AckWait", "00:00:00.500"), ("Turns:DrainTimeout", "00:00:00"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();

        // It reserves, and settles at the second write.
        proxy.CutAt(2, point, subject => subject.StartsWith("$KV.kgents_quota.", StringComparison.Ordinal));
        using var response = await client.PostAsync(session, "well?");
        await proxy.CutHappened;
        await worker.DisposeAsync();
        await using var other = await StartAsync(Nats.Url, Parts.Streaming, ("Turns:AckWait", "00:00:00.500"));
        var turn = await response.TurnAsync();

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal((100, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsFreeAgain_WhenWhoTookItDiedBeforeItStoredTheMessage()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "1"), ("Sweep:QuotaInterval", "00:00:00.200"), ("Sweep:QuotaAge", "00:00:05"));
        await using var dying = await StartAsync(proxy.Url, Parts.Api, ("Plans:Table:narrow:Turns", "1"), ("Messages:AcceptTimeout", "00:00:01"));
        var (here, there) = await ClientsAsync(host, dying);
        var session = await here.CreateSessionAsync();

        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        using var lost = await there.PostAsync(session, "lost");
        using var refused = await here.PostAsync(session, "one too many");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.TooManyRequests), (lost.StatusCode, refused.StatusCode));
        await Eventually.TrueAsync(async () => (await QuotaAsync(host)).Open.Count == 0);
        Assert.Equal("complete", new Turn(await here.SayAsync(session, "again")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyedMessage_TakesOnePlace_HoweverOftenItIsSent()
    {
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "100000"), ("Plans:Table:narrow:Turns", "1"));
        using var client = await ClientAsync(host);
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        var session = await client.CreateSessionAsync();
        var body = new { message = "hello", on_busy = "enqueue" };

        var turns = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await (await client.PostAsync(session, "key-1", body)).TurnAsync()));
        var again = await (await client.PostAsync(session, "key-1", body)).TurnAsync();

        Assert.Single(turns.Append(again).Select(turn => turn.Id).Distinct());
        Assert.Equal((100, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyedMessage_IsRunOnce_WhenThereWasNoRoomForItAtFirst()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.Enqueue(held);
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "1"));
        using var client = await ClientAsync(host);
        using var running = await client.PostAsync(await client.CreateSessionAsync(), "first");
        var session = await client.CreateSessionAsync();

        using var refused = await client.PostAsync(session, "key-1", new { message = "hello" });
        var entries = await host.EntriesAsync();
        held.Release();
        await running.TurnAsync();
        var turns = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ => await (await client.PostAsync(session, "key-1", new { message = "hello" })).TurnAsync()));

        Assert.Equal((HttpStatusCode.TooManyRequests, 1), (refused.StatusCode, entries));
        Assert.Single(turns.Select(turn => turn.Id).Distinct());
        Assert.Equal(2, (await client.MessagesAsync(session)).Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotSettledTwice_WhenItTakesItsPlaceAgainAfterItsEnd()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var host = await StartAsync(
            Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "10000"), ("Sweep:QuotaInterval", "00:00:00.200"), ("Sweep:QuotaAge", "00:00:00"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();
        var turn = new Turn(await client.SayAsync(session, "well?"));

        // As a worker does that slept, and does not know yet that another has finished its turn.
        await host.Services.GetRequiredService<TenantQuota>().ReserveAsync(new TurnAddress(Acme, SessionId.Parse(session), turn.Id), 1, 100, 10_000, 0, TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(async () => (await QuotaAsync(host)).Open.Count == 0);
        Assert.Equal(100, (await QuotaAsync(host)).Settled);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsGivenBack_WhenTheSessionIsBusy()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "10"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();
        using var running = await client.PostAsync(session, "first");

        var busy = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => number % 2 == 0 ? client.PostAsync(session, "second") : client.PostAsync(session, $"key-{number}", new { message = "second" })));

        Assert.All(busy, response => Assert.Equal(HttpStatusCode.Conflict, response.StatusCode));
        Assert.Single((await QuotaAsync(host)).Open);
        held.Release();
        await running.TurnAsync();
    }

    /// <summary>It was taken before that was known, and nobody sweeps yet.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(null)]
    [InlineData("key-1")]
    public async Task Place_IsGivenBack_WhenAnotherMessageWasStoredFirst(string? key)
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "10"), ("Sweep:QuotaAge", "00:30:00"));
        await using var slow = await StartAsync(proxy.Url, Parts.Api, ("Plans:Table:narrow:Turns", "10"));
        var (here, there) = await ClientsAsync(host, slow);
        var session = await here.CreateSessionAsync();
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        var late = key is null ? there.PostAsync(session, "late") : there.PostAsync(session, key, new { message = "late" });
        await hold.Reached;
        Assert.Single((await QuotaAsync(host)).Open);

        await here.SayAsync(session, "first");
        hold.Release();
        using var refused = await late;

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Empty((await QuotaAsync(host)).Open);
    }
}
