using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>
/// OpenMeter's <c>POST /api/v1/events</c> on real Kestrel, written from its source: the same content types, schema and
/// error texts. A batch is accepted whole or not at all.
/// </summary>
public sealed class OpenMeterStandIn : IAsyncDisposable
{
    private readonly OpenMeterEvents _events = new();
    private readonly OpenMeterFaults _faults = new();
    private readonly RecentItems<OpenMeterRequest> _requests = new(10_000);
    private LoopbackServer? _server;

    private OpenMeterStandIn()
    {
    }

    public Uri Endpoint => _server!.Address;

    public string ConnectionString => $"Endpoint={Endpoint.GetLeftPart(UriPartial.Authority)};Key=test-token";

    /// <summary>The bearer token without which a request gets 401; null asks for none, as self-hosted OpenMeter.</summary>
    public string? RequiredToken { get; set; }

    /// <summary>Drops a second event with the same source and id. OpenMeter's default is off.</summary>
    public bool Deduplicate { get; set; } = true;

    /// <summary>Every accepted event, in order; duplicates are among them only while <see cref="Deduplicate"/> is off.</summary>
    public IReadOnlyList<JsonElement> AcceptedEvents => _events.Snapshot();

    /// <summary>Events whose source and id had been accepted before.</summary>
    public int Duplicates => _events.Duplicates;

    /// <summary>The last 10,000 requests, refused ones included.</summary>
    public IReadOnlyList<OpenMeterRequest> Requests => _requests.Snapshot();

    /// <summary>While true, a request gets no answer; setting false lets the waiting ones go on.</summary>
    public bool Hang
    {
        get => _faults.Hang;
        set => _faults.Hang = value;
    }

    public static async Task<OpenMeterStandIn> StartAsync(CancellationToken cancellationToken)
    {
        OpenMeterStandIn standIn = new();
        standIn._server = await LoopbackServer.StartAsync(standIn.HandleAsync, cancellationToken);
        return standIn;
    }

    /// <summary>Answers the next requests with this status, and accepts nothing of them. Adds to failures asked for before.</summary>
    public void FailNext(int status, int times = 1, TimeSpan? retryAfter = null) => _faults.Fail(status, times, retryAfter);

    /// <summary>Accepts the events of the next good requests, and breaks the connection instead of answering.</summary>
    public void LoseReplies(int times = 1) => _faults.LoseReplies(times);

    /// <summary>The next accepted event that nobody has awaited yet, in order.</summary>
    public ValueTask<JsonElement> NextEventAsync(CancellationToken cancellationToken) =>
        _events.Arrivals.ReadAsync(cancellationToken);

    /// <summary>Returns all accepted events once there are at least this many.</summary>
    public Task<IReadOnlyList<JsonElement>> WaitForEventsAsync(int count, CancellationToken cancellationToken) =>
        _events.WaitForAsync(count, cancellationToken);

    /// <summary>What a SUM meter on this field of <c>data</c> shows: exact, each source and id once, junk values as nothing.</summary>
    /// <param name="meterField"><c>total_tokens</c> or <c>$.total_tokens</c>.</param>
    /// <param name="subject">Null sums over all subjects.</param>
    /// <param name="eventType">The meter's event type; null sums over all types.</param>
    public decimal Sum(string meterField, string? subject = null, string? eventType = null)
    {
        var field = meterField.StartsWith("$.", StringComparison.Ordinal) ? meterField[2..] : meterField;
        return AcceptedEvents
            .DistinctBy(OpenMeterEvents.IdentityOf)
            .Where(value => subject is null || value.GetProperty("subject").ValueEquals(subject))
            .Where(value => eventType is null || value.GetProperty("type").ValueEquals(eventType))
            .Sum(value => value.TryGetProperty("data", out var data)
                && data.ValueKind is JsonValueKind.Object
                && data.TryGetProperty(field, out var quantity)
                    ? MeterValue.Read(quantity) ?? 0
                    : 0);
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var isEvents = context.Request.Path == "/api/v1/events";
        if (!isEvents || !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = isEvents ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status404NotFound;
            return;
        }

        using MemoryStream bytes = new();
        await context.Request.Body.CopyToAsync(bytes, cancellationToken);
        var body = ParseJson(bytes.ToArray());
        string? contentType = context.Request.Headers.ContentType;
        string? authorization = context.Request.Headers.Authorization;
        var count = body is not { } json ? 0 : json.ValueKind is JsonValueKind.Array ? json.GetArrayLength() : 1;
        _requests.Add(new OpenMeterRequest(contentType, authorization, count, bytes.ToArray()));

        await _faults.WaitWhileHangingAsync(cancellationToken);
        if (_faults.TakeFailure() is { } failure)
        {
            await OpenMeterProblem.WriteAsync(context, failure, cancellationToken);
            return;
        }

        if (RequiredToken is { } token && authorization != $"Bearer {token}")
        {
            await OpenMeterProblem.WriteAsync(context, StatusCodes.Status401Unauthorized, "invalid token", cancellationToken);
            return;
        }

        var (events, problem) = OpenMeterBody.Read(contentType, body);
        if (problem is not null)
        {
            await OpenMeterProblem.WriteAsync(context, StatusCodes.Status400BadRequest, problem, cancellationToken);
            return;
        }

        _events.Accept(events, Deduplicate);
        if (_faults.TakeLostReply())
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static JsonElement? ParseJson(byte[] bytes)
    {
        try
        {
            return JsonElement.Parse(bytes);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
