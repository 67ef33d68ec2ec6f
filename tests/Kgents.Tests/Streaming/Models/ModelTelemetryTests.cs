using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Kgents.Streaming.Models;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.AI;

namespace Kgents.Tests.Streaming.Models;

/// <summary>Each call is seen by OpenTelemetry's names for generative AI, and what was said is not.</summary>
public sealed class ModelTelemetryTests : IAsyncLifetime
{
    private const string Source = "Experimental.Microsoft.Extensions.AI";

    private readonly ConcurrentQueue<Activity> spans = new();
    private readonly ConcurrentQueue<string> metrics = new();
    private readonly ActivitySource test = new("Kgents.Tests.ModelTelemetry");
    private ScriptedModelServer server = null!;
    private ActivityListener listener = null!;
    private MeterListener meters = null!;

    public static TheoryData<string> Providers => [.. ModelCalls.Providers];

    public async ValueTask InitializeAsync()
    {
        server = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Source || source == test,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        meters = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name == Source) { self.EnableMeasurementEvents(instrument); } } };
        meters.SetMeasurementEventCallback<int>((instrument, _, tags, _) => Note(instrument, tags));
        meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        meters.Start();
    }

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        meters.Dispose();
        test.Dispose();
        await server.DisposeAsync();
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task Call_IsASpanWithItsUsage_AndWithoutItsText(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Token("ANSWER"), new ModelStep.Usage(100, 50)));
        using var root = test.StartActivity("root")!;

        var (text, _) = await server.Connect(provider).Default.ReadAsync();

        Assert.Equal("ANSWER", text);
        var span = Assert.Single(spans, span => span.TraceId == root.TraceId && span.Source.Name == Source);
        Assert.Equal(
            ("chat", provider, "scripted-1", "scripted-1", 100, 50),
            (Tag(span, "gen_ai.operation.name"), Tag(span, "gen_ai.provider.name"), Tag(span, "gen_ai.request.model"), Tag(span, "gen_ai.response.model"),
             Convert.ToInt32(span.GetTagItem("gen_ai.usage.input_tokens"), null), Convert.ToInt32(span.GetTagItem("gen_ai.usage.output_tokens"), null)));
        AssertSilent(span, "ANSWER", "well?", "K-gent");
        Assert.Contains(metrics, metric => metric.StartsWith("gen_ai.client.operation.duration", StringComparison.Ordinal));
        Assert.Contains(metrics, metric => metric.StartsWith("gen_ai.client.token.usage", StringComparison.Ordinal));
        Assert.DoesNotContain(metrics, metric => metric.Contains("ANSWER", StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Providers))]
    public async Task EachTry_IsASpan_AndAFailedOneSaysNothingOfTheProviders(string provider)
    {
        server.Enqueue(new ModelScript(new ModelStep.Status(503, "SECRET")));
        using var root = test.StartActivity("root")!;

        await server.Connect(provider, new ModelOptions { MaxRetries = 1, MaxRetryDelay = TimeSpan.FromMilliseconds(1) }).Default.ReadAsync();

        var tries = spans.Where(span => span.TraceId == root.TraceId && span.Source.Name == Source).ToList();
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], tries.Select(span => span.Status));
        Assert.Equal("model_unavailable (HTTP 503)", tries[0].StatusDescription);
        AssertSilent(tries[0], "SECRET", "well?");
    }

    /// <summary>Set, and not left to the environment variable that turns it on.</summary>
    [Theory]
    [MemberData(nameof(Providers))]
    public void Content_IsNotRecorded(string provider) =>
        Assert.False(server.Connect(provider).Default.Client.GetService<OpenTelemetryChatClient>()!.EnableSensitiveData);

    private static string? Tag(Activity span, string name) => span.GetTagItem(name)?.ToString();

    private static void AssertSilent(Activity span, params string[] secrets)
    {
        var all = string.Join('\n', span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Concat(span.Events.SelectMany(each => each.Tags.Select(tag => $"{each.Name} {tag.Key}={tag.Value}"))).Append(span.StatusDescription));
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, all, StringComparison.Ordinal));
    }

    private void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        metrics.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
}
