using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>A long turn tells now and then what it has used so far. That is an estimate, is in the log, and decides nothing.</summary>
public sealed class RunningUsageTests : TurnTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Stream_HasTheRunningCount_AndThenTheFinalOne()
    {
        await using var host = await StartAsync("00:00:00.001");
        var script = new ModelScript([.. Enumerable.Range(0, 5).SelectMany(_ => new ModelStep[] { new ModelStep.Token("one two three. "), new ModelStep.WaitForRelease() }), new ModelStep.Usage(100, 50)]);
        Model.Enqueue(script);
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "count");
        var frames = new List<SseFrame>();

        await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
        {
            frames.Add(frame);
            if (frame.Event == "chunk")
            {
                script.Release();
            }
        }

        var turn = new Turn(frames);
        var counts = frames.Where(frame => frame.Event == "usage").Select(frame => frame.Json).ToList();
        Assert.Equal([.. Enumerable.Repeat(false, counts.Count - 1), true], counts.Select(count => count.GetProperty("final").GetBoolean()));
        Assert.True(counts.Count > 1);
        var running = counts.SkipLast(1).Select(count => count.GetProperty("tokens")).ToList();
        Assert.All(running, tokens => Assert.Equal("estimated", tokens.GetProperty("basis").GetString()));
        Assert.Equal(running.Select(tokens => tokens.GetProperty("output").GetInt64()).Order(), running.Select(tokens => tokens.GetProperty("output").GetInt64()));
        Assert.Single(running.Select(tokens => tokens.GetProperty("input").GetInt64()).Distinct());
        // Five pieces of four or five tokens, each counted once.
        Assert.InRange(running[^1].GetProperty("output").GetInt64(), 4 * running.Count, 25);
        Assert.True(running[0].GetProperty("output").GetInt64() >= 4 && running[0].GetProperty("input").GetInt64() > 0);

        // The bill is the provider's, and a turn's log with estimates in it is one that a worker can take over.
        Assert.Equal(("reported", 150), (turn.End.GetProperty("tokens").GetProperty("basis").GetString(), turn.End.GetProperty("tokens").GetProperty("total").GetInt32()));
        var records = await TurnRecords.ReadAsync(host, session, turn.Id);
        Assert.Equal(frames.Where(frame => frame.Event != "").Select(frame => frame.Id), records.Log.Select(entry => entry.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(turn.Text, records.ChunkText);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_HasNoRunningCount_BeforeItsTime()
    {
        await using var host = await StartAsync("01:00:00");
        Model.Enqueue(ModelScript.Reply("one", " two", " three"));

        var frames = await host.Client.SayAsync(await host.Client.CreateSessionAsync(), "count");

        Assert.Single(frames, frame => frame.Event == "usage");
    }

    private Task<KgentsHost> StartAsync(string interval) =>
        KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:UsageInterval", interval));
}
