using System.Net.Http.Headers;
using Kgents.ServiceDefaults.Connections;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Kgents.Metering.Export;

/// <summary>Sends usage to OpenMeter's <c>POST /api/v1/events</c>, once for each call: whether it may go again, only the ledger knows.</summary>
internal sealed class OpenMeterClient
{
    public const string ConnectionName = "openmeter";

    private static readonly Uri Events = new("api/v1/events", UriKind.Relative);

    /// <summary>The shortest that the breaker knows.</summary>
    private static readonly TimeSpan ShortestBreak = TimeSpan.FromMilliseconds(500);

    /// <summary>OpenMeter compares the whole header: with a charset it answers 400.</summary>
    private static readonly MediaTypeHeaderValue Batch = new("application/cloudevents-batch+json");

    private readonly CircuitBreakerStateProvider breaker = new();
    private readonly ResiliencePipeline<HttpResponseMessage> pipeline;
    private readonly HttpClient http;
    private readonly TimeProvider time;

    public OpenMeterClient(HttpClient http, IOptions<ExportOptions> options, TimeProvider time)
    {
        this.http = http;
        this.time = time;
        BreakDuration = options.Value.LongestRetryDelay > ShortestBreak ? options.Value.LongestRetryDelay : ShortestBreak;
        pipeline = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<HttpResponseMessage>
            {
                MinimumThroughput = 5,
                FailureRatio = 0.8,
                BreakDuration = BreakDuration,
                StateProvider = breaker,
                ShouldHandle = arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is HttpRequestException or TimeoutRejectedException or IOException
                    || arguments.Outcome.Result is { StatusCode: >= System.Net.HttpStatusCode.InternalServerError or System.Net.HttpStatusCode.RequestTimeout }),
            })
            .AddTimeout(options.Value.RequestTimeout)
            .Build();
    }

    /// <summary>OpenMeter has failed so often that it is left alone for a while.</summary>
    public bool IsPaused => breaker.CircuitState != CircuitState.Closed;

    public TimeSpan BreakDuration { get; }

    /// <summary>Sends the events as they are, in one array.</summary>
    public async Task<SendOutcome> SendAsync(IEnumerable<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await pipeline.ExecuteAsync(
                async token =>
                {
                    using var content = new ByteArrayContent(Join(events));
                    content.Headers.ContentType = Batch;
                    return await http.PostAsync(Events, content, token);
                },
                cancellationToken);
            return await SendOutcomes.ReadAsync(response, time, cancellationToken);
        }
        catch (Exception exception) when (SendOutcomes.Read(exception) is not null)
        {
            return SendOutcomes.Read(exception)!;
        }
    }

    public static void Configure(HttpClient http, EndpointConnectionString connection)
    {
        var address = connection.Endpoint.AbsoluteUri;
        http.BaseAddress = new Uri(address.EndsWith('/') ? address : address + "/");
        if (connection.Key is { } key)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    private static byte[] Join(IEnumerable<ReadOnlyMemory<byte>> events)
    {
        using var buffer = new MemoryStream();
        buffer.WriteByte((byte)'[');
        foreach (var each in events)
        {
            if (buffer.Length > 1)
            {
                buffer.WriteByte((byte)',');
            }

            buffer.Write(each.Span);
        }

        buffer.WriteByte((byte)']');
        return buffer.ToArray();
    }
}
