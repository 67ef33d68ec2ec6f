using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Telemetry;

/// <summary>A turn is one trace, through every process that works on it.</summary>
[TakesSeconds(40)]
public sealed class TraceTests : IAsyncLifetime
{
    private const string Post = "POST /v1/kgent/sessions/{sessionId}/messages/";
    private const string Store = "send KGENTS_MESSAGES";
    private const string Record = "send KGENTS_USAGE";
    private const string Turn = "kgents.turn";
    private const string Export = "export usage";
    private const string Follow = "follow turn";

    private OtlpReceiver receiver = null!;

    public async ValueTask InitializeAsync() => receiver = await OtlpReceiver.StartAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => receiver.DisposeAsync();

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turn_IsOneTrace_FromThePostToOpenMeter_WithNoSpanForATokenAndNoText()
    {
        await using var system = await StartAsync(new SystemSettings(), batch: 2);
        system.Model.Enqueue(new ModelScript([.. Enumerable.Range(0, 200).Select(index => new ModelStep.Token($"ANSWER{index} ")), new ModelStep.Usage(12, 200)]));
        var session = await system.Client.CreateSessionAsync();

        var frames = await system.Client.SayAsync(session, "QUESTION?");
        await system.Store.UsageExportedAsync();

        var (post, trace) = await TraceAsync(Export, Turn);
        var turn = Assert.Single(trace, span => span.Name == Turn);
        var (stored, follow) = (Child(trace, post, Store), Child(trace, post, Follow));
        Assert.Equal((stored.Id, "kgents-streaming", 5), (turn.Parent, turn.Service, turn.Kind));
        Assert.Equal((session, frames.Turn(), "1", "completed"), (turn.Tag("gen_ai.conversation.id"), turn.Tag("kgents.turn.id"), turn.Tag("kgents.turn.attempt"), turn.Tag("kgents.turn.status")));
        Assert.Equal((frames.Turn(), "ended"), (follow.Tag("kgents.turn.id"), follow.Tag("kgents.stream.outcome")));

        var chat = Child(trace, turn, "chat scripted-1");
        Assert.Equal(("chat", "openai", "12", "200"), (chat.Tag("gen_ai.operation.name"), chat.Tag("gen_ai.provider.name"), chat.Tag("gen_ai.usage.input_tokens"), chat.Tag("gen_ai.usage.output_tokens")));
        Assert.Equal("kgents-streaming", Child(trace, chat, "POST").Service);

        // Of its one call and of itself.
        var records = trace.Where(span => span.Name == Record && span.Parent == turn.Id).Select(span => span.Id).ToList();
        Assert.Equal(2, records.Count);
        var export = Assert.Single(trace, span => span.Name == Export);
        Assert.Contains(export.Parent, records);
        Assert.Equal(("kgents-metering", "2"), (export.Service, export.Tag("kgents.usage.events")));
        Child(trace, export, "POST");

        // 200 tokens, and not a span more than a turn of one token has.
        Assert.True(trace.Count < 20, string.Join('\n', trace));
        Assert.All(trace, span => Assert.DoesNotContain("KGENTS_TOKENS", span.Name, StringComparison.Ordinal));
        AssertSilent("QUESTION", "ANSWER", system.Key);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Metrics_AreSentByEachProcess()
    {
        await using var system = await StartAsync(new SystemSettings());
        await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "Count me.");
        await system.Store.UsageExportedAsync();

        (string Service, string Name)[] expected =
        [
            ("kgents-api", "kgents.messages"), ("kgents-api", "kgents.stream.time_to_first_event"), ("kgents-api", "kgents.nats.publish.duration"), ("kgents-api", "http.server.request.duration"),
            ("kgents-streaming", "kgents.turn.duration"), ("kgents-streaming", "kgents.turn.time_to_first_token"), ("kgents-streaming", "kgents.turn.added_latency"),
            ("kgents-streaming", "gen_ai.client.token.usage"), ("kgents-streaming", "gen_ai.client.operation.duration"),
            ("kgents-metering", "kgents.metering.accepted"), ("kgents-metering", "kgents.metering.oldest_unsettled_age"),
        ];
        await Eventually.TrueAsync(() => expected.All(each => receiver.Metrics.Any(metric => (metric.Service, metric.Name) == each)));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Lines_AreJsonWithTheTrace_InAContainer()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false, Environment = new Dictionary<string, string?> { ["DOTNET_RUNNING_IN_CONTAINER"] = "true" } });
        system.Model.Enqueue(new ModelScript(new ModelStep.Status(401, "no")));
        await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "QUESTION?");
        await system.TerminateServicesAsync();

        var lines = system.Output.Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(lines, line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", line.Text("Timestamp")));
        Assert.Contains(lines, line => line.Text("Message").Contains("model_refused_credentials", StringComparison.Ordinal));
        Assert.DoesNotContain(system.Output, line => line.Contains("QUESTION", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Batch_LinksToTheTracesOfItsTurns_AndBelongsToNone()
    {
        await using var system = await StartAsync(new SystemSettings { Metering = false }, batch: 4);
        var session = await system.Client.CreateSessionAsync();
        await system.Client.SayAsync(session, "One.");
        await system.Client.SayAsync(session, "Two.");

        await system.StartMeteringAsync();

        await Eventually.TrueAsync(() => receiver.Spans.Any(span => span.Name == Export) && receiver.Spans.Count(span => span.Name == Turn) == 2);
        var export = Assert.Single(receiver.Spans, span => span.Name == Export);
        Assert.Equal(("", "4"), (export.Parent, export.Tag("kgents.usage.events")));
        Assert.Equal(receiver.Spans.Where(span => span.Name == Turn).Select(span => span.Trace).Order(), export.Links.Order());
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task SecondAttempt_BelongsToTheSameTrace_WhenTheWorkerIsKilled()
    {
        await using var system = await StartAsync(new SystemSettings { Metering = false, Environment = new Dictionary<string, string?> { ["Turns__AckWait"] = "00:00:02" } });
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("Words"), new ModelStep.Stall()));
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("A whole answer.")));
        var first = Assert.Single(system.Workers);

        await using var turn = await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), "Who answers?");
        await turn.NextAsync("chunk");
        await system.StartWorkerAsync();
        await first.KillAsync(TestContext.Current.CancellationToken);
        await turn.ReadToEndAsync();

        var (post, trace) = await TraceAsync(Turn);
        var second = Assert.Single(trace, span => span.Name == Turn);
        Assert.Equal(("2", "completed", Child(trace, post, Store).Id), (second.Tag("kgents.turn.attempt"), second.Tag("kgents.turn.status"), second.Parent));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task ResumedStream_LinksToTheTraceOfItsTurn()
    {
        await using var system = await StartAsync(new SystemSettings { Metering = false });
        var session = await system.Client.CreateSessionAsync();
        var turn = (await system.Client.SayAsync(session, "Again, please.")).Turn();

        await using (var resumed = await system.Client.ResumeAsync($"/v1/kgent/sessions/{session}/turns/{turn}/events", 0))
        {
            await resumed.ReadToEndAsync();
        }

        var (_, trace) = await TraceAsync(Turn);
        await Eventually.TrueAsync(() => receiver.Spans.Count(span => span.Name == Follow) == 2);
        var follow = Assert.Single(receiver.Spans, span => span.Name == Follow && span.Trace != trace[0].Trace);
        Assert.Equal(trace[0].Trace, Assert.Single(follow.Links));
    }

    private static OtlpSpan Child(IReadOnlyList<OtlpSpan> trace, OtlpSpan parent, string name)
    {
        var found = trace.Where(span => span.Name == name && span.Parent == parent.Id).ToList();
        Assert.True(found.Count == 1, $"{found.Count} '{name}' under {parent}:\n{string.Join('\n', trace)}");
        return found[0];
    }

    /// <param name="batch">So many events go to OpenMeter at once, however long they take to come; null for what there is.</param>
    private Task<KgentsSystem> StartAsync(SystemSettings settings, int? batch = null)
    {
        // Events of requests come in whatever batch is next.
        var environment = new Dictionary<string, string?>(receiver.Environment.Concat(settings.Environment)) { ["Usage__Requests__Enabled"] = "false" };
        if (batch is { } size)
        {
            (environment["Metering__Export__BatchSize"], environment["Metering__Export__BatchWait"]) = ($"{size}", "00:01:00");
        }

        return KgentsSystem.StartAsync(settings with { Environment = environment });
    }

    /// <summary>The trace of the one message that was posted, once it has come. Each process sends its spans in its own time, and a span after those beneath it.</summary>
    /// <param name="last">What ends last in each of the other processes.</param>
    private async Task<(OtlpSpan Post, IReadOnlyList<OtlpSpan> Trace)> TraceAsync(params string[] last)
    {
        OtlpSpan? post = null;
        await Eventually.TrueAsync(() => (post = receiver.Spans.SingleOrDefault(span => span.Name == Post)) is not null && last.All(name => receiver.Spans.Any(span => span.Name == name && span.Trace == post.Trace)));
        return (post!, [.. receiver.Spans.Where(span => span.Trace == post!.Trace)]);
    }

    private void AssertSilent(params string[] secrets)
    {
        var texts = receiver.Spans.SelectMany(span => span.Tags.Values.Append(span.Name)).Concat(receiver.Logs).ToList();
        Assert.NotEmpty(receiver.Logs);
        Assert.All(secrets, secret => Assert.DoesNotContain(texts, text => text.Contains(secret, StringComparison.Ordinal)));
    }
}
