using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>
/// OpenMeter's ingest and event list on real Kestrel, written from its source: the same content types, schema and error texts, and every way in
/// which it is known to lose, double or delay events. It is no OpenMeter: what is tested against it is its contract as we read it.
/// </summary>
public sealed class OpenMeterStandIn : IAsyncDisposable
{
    private readonly OpenMeterStore _events = new(TimeProvider.System);
    private readonly OpenMeterFaults _faults = new();
    private readonly OpenMeterIngest _ingest;
    private LoopbackServer? _server;

    private OpenMeterStandIn() => (Meters, _ingest) = (new OpenMeterMeters(_events), new OpenMeterIngest(this, _events, _faults));

    public Uri Endpoint => _server!.Address;

    public string ConnectionString => $"Endpoint={Endpoint.GetLeftPart(UriPartial.Authority)};Key=test-token";

    /// <summary>The bearer token without which a request gets 401; null asks for none, as self-hosted OpenMeter.</summary>
    public string? RequiredToken { get; set; }

    /// <summary>Drops a second event with the same source and id. OpenMeter's default is off.</summary>
    public bool Deduplicate { get; set; } = true;

    /// <summary>How long an accepted event cannot be read back.</summary>
    public TimeSpan VisibleAfter { get; set; }

    /// <summary>Bytes of a body above which it is answered 413, as a gateway does; null for no limit.</summary>
    public int? LargestBody { get; set; }

    /// <summary>Events that are refused after the schema has passed them: the 400 does not say which of a batch it was.</summary>
    public Func<JsonElement, bool>? IsPoison { get; set; }

    public OpenMeterMeters Meters { get; }

    /// <summary>Age of an event's own time above which it is lost after its 204: the retention of the queue.</summary>
    public TimeSpan? OldestTime { get; set; }

    /// <summary>What becomes of each accepted event. It is called one at a time.</summary>
    public Func<JsonElement, EventFate>? Fate
    {
        get => _faults.Fate;
        set => _faults.Fate = value;
    }

    /// <summary>How each request goes wrong that nothing else was asked for. It is called one at a time.</summary>
    public Func<OpenMeterFault?>? Rule
    {
        get => _faults.Rule;
        set => _faults.Rule = value;
    }

    /// <summary>Every accepted event, in order; duplicates are among them only while <see cref="Deduplicate"/> is off.</summary>
    public IReadOnlyList<JsonElement> AcceptedEvents => _events.Snapshot();

    /// <summary>Events whose source and id had been stored before.</summary>
    public int Duplicates => _events.Duplicates;

    /// <summary>Events that were accepted and are nowhere.</summary>
    public int Lost => _events.Lost;

    /// <summary>What it did to an event.</summary>
    public OpenMeterHistory HistoryOf(string id) => _events.HistoryOf(id);

    /// <summary>The last 10,000 requests, refused ones included.</summary>
    public IReadOnlyList<OpenMeterRequest> Requests => _ingest.Requests;

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

    /// <summary>Answers the next requests with this status, and accepts nothing of them. Adds to faults asked for before.</summary>
    public void FailNext(int status, int times = 1, TimeSpan? retryAfter = null) => _faults.Add(new OpenMeterFault(RequestFault.Refused, status, retryAfter), times);

    /// <summary>Accepts the events of the next good requests, and breaks the connection instead of answering.</summary>
    public void LoseReplies(int times = 1) => _faults.Add(new OpenMeterFault(RequestFault.BrokenAfter), times);

    public void Break(OpenMeterFault fault, int times = 1) => _faults.Add(fault, times);

    /// <summary>Answers the next lists of events with this status.</summary>
    public void FailReads(int status, int times = 1) => _faults.AddRead(status, times);

    /// <summary>The next accepted event that nobody has awaited yet, in order.</summary>
    public ValueTask<JsonElement> NextEventAsync(CancellationToken cancellationToken) =>
        _events.Arrivals.ReadAsync(cancellationToken);

    /// <summary>Returns all accepted events once there are at least this many.</summary>
    public Task<IReadOnlyList<JsonElement>> WaitForEventsAsync(int count, CancellationToken cancellationToken) =>
        _events.WaitForAsync(count, cancellationToken);

    /// <summary>Loses an event that it has shown, as when it is restored from an older backup.</summary>
    public void Forget(string id) => _events.Forget(id);

    /// <summary>Its deduplication before the queue is started anew, and knows no ids that are nowhere.</summary>
    public void ForgetClaims() => _events.ForgetClaims();

    /// <summary>Has a row that nobody sent.</summary>
    public void Put(string json) => _events.Put(JsonElement.Parse(json));

    /// <summary>What a SUM meter on this field of <c>data</c> shows: exact, each source and id once, junk values as nothing.</summary>
    /// <param name="meterField"><c>total_tokens</c> or <c>$.total_tokens</c>.</param>
    /// <param name="subject">Null sums over all subjects.</param>
    /// <param name="eventType">The meter's event type; null sums over all types.</param>
    public decimal Sum(string meterField, string? subject = null, string? eventType = null)
    {
        var field = meterField.StartsWith("$.", StringComparison.Ordinal) ? meterField[2..] : meterField;
        return AcceptedEvents
            .DistinctBy(OpenMeterStore.IdentityOf)
            .Where(value => subject is null || value.GetProperty("subject").ValueEquals(subject))
            .Where(value => eventType is null || value.GetProperty("type").ValueEquals(eventType))
            .Sum(value => value.TryGetProperty("data", out var data)
                && data.ValueKind is JsonValueKind.Object
                && data.TryGetProperty(field, out var quantity)
                    ? MeterValue.Read(quantity) ?? 0
                    : 0);
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private Task HandleAsync(HttpContext context, CancellationToken cancellationToken) => (context.Request.Path.Value, context.Request.Method) switch
    {
        ("/api/v1/events", "POST") => _ingest.HandleAsync(context, StatusCodes.Status204NoContent, cancellationToken),
        ("/api/v3/openmeter/events", "POST") => _ingest.HandleAsync(context, StatusCodes.Status202Accepted, cancellationToken),
        ("/api/v2/events", "GET") => ListAsync(context, cancellationToken),
        ({ } path, "GET") when path.Split('/') is ["", "api", "v1", "meters", var slug, "query"] => QueryAsync(context, slug, cancellationToken),
        ("/api/v1/events" or "/api/v2/events" or "/api/v3/openmeter/events", _) => EndAsync(context, StatusCodes.Status405MethodNotAllowed),
        _ => EndAsync(context, StatusCodes.Status404NotFound),
    };

    private static Task EndAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private async Task ListAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (_faults.TakeRead() is { } status)
        {
            await OpenMeterProblem.WriteAsync(context, status, "scripted failure", cancellationToken);
            return;
        }

        if (await IsRefusedAsync(context, cancellationToken))
        {
            return;
        }

        var (page, problem) = OpenMeterListing.Read(context.Request.Query, _events);
        if (problem is not null)
        {
            await OpenMeterProblem.WriteAsync(context, StatusCodes.Status400BadRequest, problem, cancellationToken);
            return;
        }

        await context.Response.WriteAsJsonAsync(page, cancellationToken);
    }

    private async Task QueryAsync(HttpContext context, string slug, CancellationToken cancellationToken)
    {
        if (!await IsRefusedAsync(context, cancellationToken))
        {
            await Meters.AnswerAsync(context, slug, cancellationToken);
        }
    }

    /// <summary>True for one that has been answered with 401.</summary>
    internal async Task<bool> IsRefusedAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (RequiredToken is { } token && context.Request.Headers.Authorization != $"Bearer {token}")
        {
            await OpenMeterProblem.WriteAsync(context, StatusCodes.Status401Unauthorized, "invalid token", cancellationToken);
            return true;
        }

        return false;
    }
}
