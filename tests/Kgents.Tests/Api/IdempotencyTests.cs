using System.Net;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A message that is sent many times under one key runs once, and each sender gets its turn.</summary>
public sealed class IdempotencyTests : TurnTest
{
    private KgentsHost first = null!;
    private KgentsHost second = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        first = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));
        second = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
    }

    public override async ValueTask DisposeAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OneTurn_IsRun_WhenOneMessageIsSentManyTimesAtOnce()
    {
        var session = await first.Client.CreateSessionAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => (number % 2 == 0 ? first : second).Client.PostAsync(session, "key-1", new { message = "hello" })));
        var replayed = responses.Count(response => response.IsReplayed());
        var turns = await Task.WhenAll(responses.Select(response => response.TurnAsync()));

        var stored = Assert.Single(await first.AskedAsync(session));
        Assert.All(turns, turn => Assert.Equal((stored, "Hello from the script.", "complete"), (turn.Id, turn.Text, turn.EndKind)));
        Assert.Single(Model.Requests);
        Assert.Equal(99, replayed);
        Assert.Equal(1, await first.EntriesAsync());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Retry_GetsTheSameTurnFromItsBeginning_WhileItRunsAndAfterARestart()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        var session = await first.Client.CreateSessionAsync();
        using var response = await first.Client.PostAsync(session, "key-1", new { message = "count" });
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);

        using var retry = await second.Client.PostAsync(session, "key-1", new { message = "count" });
        held.Release();
        var (turn, whileRunning) = (await response.TurnAsync(), await retry.TurnAsync());
        await second.DisposeAsync();
        second = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var late = await second.Client.PostAsync(session, "key-1", new { message = "count" });

        Assert.False(response.IsReplayed());
        Assert.True(retry.IsReplayed() && late.IsReplayed());
        Assert.Equal("one two", turn.Text);
        Assert.Equal(turn.Frames, whileRunning.Frames);
        Assert.Equal(turn.Frames, (await late.TurnAsync()).Frames);
        Assert.Single(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnotherMessageModeOrBudget_IsRefused_UnderAKeyThatIsTaken()
    {
        var session = await first.Client.CreateSessionAsync();
        var turn = (await (await first.Client.PostAsync(session, "key-1", new { message = "hello" })).TurnAsync()).Id;

        foreach (var other in new object[] { new { message = "hello!" }, new { message = "hello", mode = "advise" }, new { message = "hello", budget = "deep" } })
        {
            using var refused = await second.Client.PostAsync(session, "key-1", other);
            Assert.Equal((HttpStatusCode.Conflict, false), (refused.StatusCode, refused.IsReplayed()));
            Assert.Equal("urn:kgents:problem:idempotency-key-reused", (await refused.JsonAsync()).GetProperty("type").GetString());
        }

        // The mode of the session, in any spelling, is the same request; how the answer is sent does not matter.
        var same = await (await second.Client.PostAsync(session, "key-1", new { message = "hello", mode = "Reflect", stream = false })).JsonAsync();
        Assert.Equal(turn.ToString(), same.GetProperty("turn_id").GetString());
        Assert.Equal([turn], await first.AskedAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task BusySession_Answers409AndLeavesNoEntry_SoThatTheKeyWorksLater()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();
        using var running = await first.Client.PostAsync(session, "first");

        using var refused = await second.Client.PostAsync(session, "key-1", new { message = "second" });
        Assert.Equal((HttpStatusCode.Conflict, 0), (refused.StatusCode, await first.EntriesAsync()));
        var problem = await refused.JsonAsync();
        Assert.Equal("urn:kgents:problem:turn-in-progress", problem.GetProperty("type").GetString());
        held.Release();
        var before = await running.TurnAsync();
        using var accepted = await second.Client.PostAsync(session, "key-1", new { message = "second" });

        Assert.Equal(before.Id.ToString(), problem.GetProperty("turn_id").GetString());
        Assert.False(accepted.IsReplayed());
        Assert.Equal([before.Id, (await accepted.TurnAsync()).Id], await first.AskedAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OneKey_StandsForATurnEach_InTwoSessionsAndTwoTenants()
    {
        using var stranger = await first.NewClientAsync("other");
        var (one, two, theirs) = (await first.Client.CreateSessionAsync(), await first.Client.CreateSessionAsync(), await stranger.CreateSessionAsync());

        foreach (var (client, session) in new[] { (first.Client, one), (second.Client, two), (stranger, theirs) })
        {
            using var response = await client.PostAsync(session, "key-1", new { message = $"hello {session}" });
            Assert.Equal((HttpStatusCode.OK, false), (response.StatusCode, response.IsReplayed()));
            Assert.Equal("complete", (await response.TurnAsync()).EndKind);
        }

        using var foreign = await stranger.PostAsync(one, "key-1", new { message = $"hello {one}" });
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
        Assert.Equal(3, await first.EntriesAsync());
    }
}
