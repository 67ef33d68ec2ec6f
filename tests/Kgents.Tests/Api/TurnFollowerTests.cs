using System.Globalization;
using System.Text;
using Kgents.Api.Sessions;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>A viewer never sees an event that the log does not have, and never misses one that it has.</summary>
public sealed class TurnFollowerTests : TurnTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task EveryFrame_IsInTheLogAlready_WhenAClientSeesIt()
    {
        Model.DefaultScript = ModelScript.Reply([.. Enumerable.Range(0, 200).Select(number => $" {number}")]);
        await using var host = await StartAsync();
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "count");

        var seen = 0;
        await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
        {
            var stored = await host.Reader.NextAsync(Streams.Tokens.Name, Subjects.AllTokens, ulong.Parse(frame.Id!, CultureInfo.InvariantCulture), TestContext.Current.CancellationToken);
            Assert.Equal(frame.Id, stored!.Sequence.ToString(CultureInfo.InvariantCulture));
            if (frame.Event != "usage")
            {
                Assert.Equal(frame.Data, Encoding.UTF8.GetString(stored.Data.Span));
            }

            seen++;
        }

        Assert.True(seen > 4);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Client_SeesNothing_WhenTheServerRepublishesNothing()
    {
        // The end of the log is not looked up in this test, so the server's republishing, which comes after storing, is the only way to a client.
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("one"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Stream:TailCheckInterval", "01:00:00"));
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "count");
        var frames = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await frames.MoveNextAsync());
        Assert.Equal("accepted", frames.Current.Event);
        var next = frames.MoveNextAsync().AsTask();

        await RepublishAsync(host, to: null);
        held.Release();
        await Conversations.AnswerAsync(host, SessionId.Parse(session), 1);
        await host.LastLoggedAsync(TurnEventCodec.Completed);
        await host.JetStream.Connection.PingAsync(TestContext.Current.CancellationToken);

        Assert.False(next.IsCompleted);
        response.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => next);
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.stream.gaps_repaired")]
    public async Task Client_GetsWhatLiveLost_WhenALaterMessageShowsTheGap()
    {
        var held = new ModelScript(
            new ModelStep.WaitForRelease(), new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"), new ModelStep.WaitForRelease(), new ModelStep.Token(" three"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Stream:TailCheckInterval", "01:00:00"));
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "count");
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 0 && Model.Requests.Count == 1);

        await RepublishAsync(host, to: null);
        held.Release();
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 1);
        held.Release();
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 2);
        await RepublishAsync(host, to: Subjects.AllLive);
        held.Release();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal("one two three", turn.Text);
        Assert.Equal([0, 1, 2], turn.Frames.Where(frame => frame.Event == "chunk").Select(frame => frame.Json.GetProperty("index").GetInt32()));
        Assert.Equal("complete", turn.EndKind);
    }

    /// <summary>The end of the log is looked up at no other time in this test.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Client_GetsWhatCameMeanwhile_WhenTheConnectionIsThereAgain()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var cut = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "01:00:00"));
        await using var other = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var (session, turn) = await QueueAsync(other);
        await Conversations.LogAsync(other, session, turn, new TurnAccepted(turn, 1, "m"));
        using var response = await FollowAsync(cut, session, turn);
        var frames = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await frames.MoveNextAsync());

        proxy.CutAt(1, CutPoint.BeforeForward);
        await Task.WhenAny(proxy.CutHappened, cut.Client.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken));
        await proxy.CutHappened;
        await Conversations.LogAsync(other, session, turn, new TurnFailed(TurnErrorCodes.Expired, "over"));
        proxy.Restore();

        Assert.True(await frames.MoveNextAsync());
        Assert.Equal("error", frames.Current.Event);
    }

    /// <summary>A look that found nothing in the log is followed by one at the session, but not when something may have been lost.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task TheLogIsLookedAt_WhenTheConnectionIsThereAgain()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:01"), ("Nats:CheckInterval", "00:00:00.100"));
        var (session, turn) = await QueueAsync(host);
        using var response = await FollowAsync(host, session, turn);
        await EmptyLogLookedAtAsync(proxy);

        // By another question than a look: one of those would be without an answer.
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("$JS.API.STREAM.INFO.", StringComparison.Ordinal));
        await proxy.CutHappened;
        var before = Looks(proxy).Count;
        proxy.Restore();
        await Eventually.TrueAsync(() => Looks(proxy).Count > before);

        Assert.Equal(LookAtLog, Looks(proxy)[before]);
    }

    /// <summary>Then every look is at the log, also the first after one that had found it empty.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task OnlyTheLogIsLookedAt_OnceItHasBegun()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:01"));
        await using var other = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var (session, turn) = await QueueAsync(other);
        using var response = await FollowAsync(host, session, turn);
        var first = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var next = first.MoveNextAsync().AsTask();
        await EmptyLogLookedAtAsync(proxy);

        await Conversations.LogAsync(other, session, turn, new TurnAccepted(turn, 1, "m"));
        Assert.True(await next);
        var before = Looks(proxy).Count;
        await Eventually.TrueAsync(() => Looks(proxy).Count > before);

        Assert.Equal(LookAtLog, Looks(proxy)[before]);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Client_GetsALostEnd_WhenTheTailIsLookedUp()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Stream:TailCheckInterval", "00:00:00.100"));
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "count");
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 1);

        await RepublishAsync(host, to: null);
        held.Release();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("one", "complete"), (turn.Text, turn.EndKind));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_GoesOn_WhenNatsIsKilledAndComesBack()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "count");
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 1);

        await Nats.KillAsync(TestContext.Current.CancellationToken);
        held.Release();
        await Nats.RestartAsync(TestContext.Current.CancellationToken);
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("one two", "complete"), (turn.Text, turn.EndKind));
        Assert.Equal(turn.Frames.Select(frame => ulong.Parse(frame.Id!, CultureInfo.InvariantCulture)).Order().Distinct(), turn.Frames.Select(frame => ulong.Parse(frame.Id!, CultureInfo.InvariantCulture)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotRunAgain_WhenNatsIsAwayForLongerThanACommandMayTake()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        using var response = await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "count");
        await Eventually.TrueAsync(async () => await host.ChunksAsync() == 1);

        await Nats.KillAsync(TestContext.Current.CancellationToken);
        held.Release();

        // Questions of its own that the client gives up tell that the worker's have been given up too.
        await Assert.ThrowsAnyAsync<Exception>(() => host.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken).AsTask());
        await Assert.ThrowsAnyAsync<Exception>(() => host.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken).AsTask());
        await Nats.RestartAsync(TestContext.Current.CancellationToken);
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("one two", "complete"), (turn.Text, turn.EndKind));
        Assert.DoesNotContain(turn.Frames, frame => frame.Event == "restarted");
        Assert.Single(Model.Requests);
    }

    private Task<KgentsHost> StartAsync(params (string, string?)[] settings) =>
        KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, [("ConnectionStrings:llm", Model.ConnectionString), .. settings]);

    private static string LookAtLog => $"$JS.API.STREAM.MSG.GET.{Streams.Tokens.Name}";

    /// <summary>A turn that nobody answers.</summary>
    private static async Task<(SessionId, TurnId)> QueueAsync(KgentsHost host)
    {
        var (session, turn) = (SessionId.Parse(await host.Client.CreateSessionAsync()), TurnId.New(TimeProvider.System));
        await Conversations.AskAsync(host, session, turn, 1);
        return (session, turn);
    }

    private static Task<HttpResponseMessage> FollowAsync(KgentsHost host, SessionId session, TurnId turn) => host.Client.GetAsync(
        new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    /// <summary>What was looked at, in order: logs and sessions. Requests of clients read sessions in the same way.</summary>
    private static List<string> Looks(NatsProxy proxy) => [.. proxy.PublishedSubjects.Where(subject => subject == LookAtLog || subject == $"$JS.API.STREAM.MSG.GET.{SessionStore.Stream}")];

    /// <summary>The request to follow has read all that it needs, and the next look would be at the session.</summary>
    private static async Task EmptyLogLookedAtAsync(NatsProxy proxy)
    {
        var before = Looks(proxy).Count;
        await Eventually.TrueAsync(() => Looks(proxy).Skip(before).Contains(LookAtLog));
    }

    private static async Task RepublishAsync(KgentsHost host, string? to)
    {
        var stream = await host.JetStream.GetStreamAsync(Streams.Tokens.Name, cancellationToken: TestContext.Current.CancellationToken);
        await stream.UpdateAsync(stream.Info.Config with { Republish = to is null ? null : new Republish { Src = Subjects.AllTokens, Dest = to } }, TestContext.Current.CancellationToken);
    }
}
