using System.Diagnostics;
using System.Globalization;
using System.Net;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>
/// The table "What was killed" of docs/operations.md: how long it takes, what is lost, what the client sees. `./dev failures` prints it. What is lost and seen is held
/// to; times are told, and only bounded by the test's own limit, since this machine may be busy.
/// </summary>
[TakesSeconds(50)]
public sealed class RecoveryTests
{
    private static readonly string Table = Path.Combine(Repository.Root, "artifacts", "failures");

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_IsKilled_UnderAStream()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false });
        await system.StartApiAsync();
        var second = system.Client;
        var dying = system.Api;
        await system.StartApiAsync();
        var (script, session) = (new ModelScript(new ModelStep.Token("One"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two")), await second.CreateSessionAsync());
        system.Model.Enqueue(script);
        await using var turn = await second.FollowAsync(session, "count");
        var last = await turn.NextAsync("chunk");

        await dying.KillAsync(TestContext.Current.CancellationToken);
        var killed = Stopwatch.StartNew();
        await using var resumed = await system.Client.ResumeAsync(turn.Response.Content.Headers.ContentLocation!.OriginalString, ulong.Parse(last.Id!, CultureInfo.InvariantCulture));
        script.Release();
        await resumed.NextAsync("chunk");
        var took = killed.Elapsed;
        await resumed.ReadToEndAsync();

        IReadOnlyList<SseFrame> seen = [.. turn.Seen, .. resumed.Seen.Where(frame => frame.Event is not null)];
        Assert.Equal(["accepted", "chunk", "usage", "complete"], seen.Outline());
        Assert.Equal("One two", seen.ShownText());
        Tell("1 the API, `kill -9`, under a stream; another replica runs", "the next event at a client that resumes there", took, "0 events, 0 turns", "its connection breaks; with `Last-Event-ID` it goes on where it was");
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Worker_IsKilled_UnderATurn()
    {
        await using var system = await KgentsSystem.StartAsync();
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("Words"), new ModelStep.Stall()));
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("A whole answer."), new ModelStep.Usage(9, 3)));
        var first = Assert.Single(system.Workers);
        await using var turn = await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), "Who answers?");
        await turn.NextAsync("chunk");
        await system.StartWorkerAsync();

        await first.KillAsync(TestContext.Current.CancellationToken);
        var killed = Stopwatch.StartNew();
        await turn.NextAsync("restarted");
        var took = killed.Elapsed;
        var frames = await turn.ReadToEndAsync();

        Assert.Equal("A whole answer.", frames.ShownText());
        await system.Store.UsageExportedAsync();
        Assert.Equal(1, system.BilledCalls);
        Tell("2 a worker, `kill -9`, under a turn; another runs", "`restarted` at the client", took, "0 turns; the tokens of the attempt that died, which are not billed", "`restarted`, then the whole answer");
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Metering_IsKilled_BetweenTurns()
    {
        await using var system = await KgentsSystem.StartAsync();
        var session = await system.Client.CreateSessionAsync();
        await system.Client.SayAsync(session, "one");
        await system.Store.UsageExportedAsync();
        var first = system.Metering;
        await system.StartMeteringAsync();

        await first.KillAsync(TestContext.Current.CancellationToken);
        var killed = Stopwatch.StartNew();
        await system.Client.SayAsync(session, "two");
        await Eventually.TrueAsync(() => system.BilledCalls == 2);
        var took = killed.Elapsed;

        Assert.Equal((2, 0), (system.BilledCalls, system.OpenMeter.Duplicates));
        Tell("3 Metering, `kill -9`; another replica waits (`Metering:Ledger:Lease` = 5 s)", "the next usage event at OpenMeter", took, "0 events, 0 twice", "nothing");
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task NatsServer_IsKilledAndStartedAgain_UnderATurn()
    {
        await using var system = await KgentsSystem.StartAsync();
        var script = new ModelScript(new ModelStep.Token("Before"), new ModelStep.WaitForRelease(), new ModelStep.Token(" and after."));
        system.Model.Enqueue(script);
        await using var turn = await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), "Does it hold?");
        await turn.NextAsync("chunk");

        await system.Nats.KillAsync(TestContext.Current.CancellationToken);
        var killed = Stopwatch.StartNew();
        script.Release();
        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
        await turn.NextAsync("chunk");
        var took = killed.Elapsed;
        var frames = await turn.ReadToEndAsync();
        await system.Api.WaitForReadyAsync(TestContext.Current.CancellationToken);
        Assert.Equal("Before and after.", frames.ShownText());
        Assert.Single(system.Model.Requests);
        await system.Store.UsageExportedAsync();
        Tell("4 nats-server, `kill -9`, alone (R1, `sync_interval: always`), and started again at once", "the next event at the client", took, "0 events, 0 turns", "silence, then the rest of the turn on the same connection; new requests 503 meanwhile");
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task OpenMeter_IsAway_ForAWhile()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Environment = new Dictionary<string, string?> { ["Metering__Export__LongestRetryDelay"] = "00:00:05" } });
        system.OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
        var session = await system.Client.CreateSessionAsync();
        for (var turn = 0; turn < 10; turn++)
        {
            Assert.Equal("complete", (await system.Client.SayAsync(session, "Count me.")).Terminal().Event);
        }

        await Eventually.TrueAsync(() => system.OpenMeter.Requests.Count >= 5);
        system.OpenMeter.Rule = null;
        var back = Stopwatch.StartNew();
        await Eventually.TrueAsync(() => system.BilledCalls == 10);
        var took = back.Elapsed;

        await system.Store.UsageExportedAsync();
        Assert.Equal((10, 0), (system.BilledCalls, system.OpenMeter.Duplicates));
        Tell("5 OpenMeter, 503 to everything while 10 turns ran (`Metering:Export:LongestRetryDelay` = 5 s)", "from its return: all usage there", took, "0 events, 0 twice", "nothing");
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Model_IsAway_ForAWhile()
    {
        await using var system = await KgentsSystem.StartAsync();
        system.Model.DefaultScript = new ModelScript(new ModelStep.Status((int)HttpStatusCode.ServiceUnavailable, "no"));
        var session = await system.Client.CreateSessionAsync();

        var asked = Stopwatch.StartNew();
        var failed = await system.Client.SayAsync(session, "Anybody?");
        var took = asked.Elapsed;
        system.Model.DefaultScript = ModelScript.Reply("Here.");

        Assert.Equal("model_unavailable", failed.Terminal().Json.Text("code"));
        Assert.Equal("complete", (await system.Client.SayAsync(session, "And now?")).Terminal().Event);
        await system.Store.UsageExportedAsync();
        Assert.Equal(1, system.BilledCalls);
        Tell("6 the model, 503 to everything", "until the turn says so, after its retries", took, "the turn, which is not billed; 0 of the next", "`error` with `model_unavailable`; the next turn is answered as soon as the model is back");
    }

    private static void Tell(string killed, string until, TimeSpan took, string lost, string seen)
    {
        Directory.CreateDirectory(Table);
        var row = $"| {killed[2..]} | {until} | {took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s | {lost} | {seen} |";
        File.WriteAllText(Path.Combine(Table, $"{killed[0]}.md"), row + "\n");
    }
}
