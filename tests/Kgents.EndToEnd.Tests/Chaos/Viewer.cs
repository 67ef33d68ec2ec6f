using System.Globalization;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>An event as a client got it.</summary>
/// <param name="Turn">What the last <c>turn</c> before it named, on a session's stream.</param>
internal sealed record SeenEvent(ulong Id, string Name, string Data, string? Turn);

/// <summary>A client of one stream that comes back with the last id that it has, at any replica, whenever its connection ends.</summary>
/// <param name="ends">The stream ends with a turn; that of a session has no end.</param>
/// <param name="leaves">It also leaves by itself, at any moment.</param>
internal sealed class Viewer(string name, string path, Gateway gateway, Random random, bool ends, bool leaves)
{
    private readonly List<SeenEvent> seen = [];
    private string? cursor;

    public string Name => name;

    /// <summary>All events as they came, on one connection after another.</summary>
    public IReadOnlyList<SeenEvent> Seen => seen;

    public ulong LastId { get; private set; }

    public int Connections { get; private set; }

    /// <summary>It was told that there is no more.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Answers and events that no client should get.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>To the terminal event, and sometimes to the 204 after it; or until it is cancelled.</summary>
    public async Task FollowAsync(HttpResponseMessage? first, CancellationToken cancellationToken)
    {
        var response = first;
        try
        {
            while (!HasEnded || random.Chance(0.3))
            {
                response ??= await gateway.TrySendAsync(HttpMethod.Get, path, AddCursor, cancellationToken);
                using (response)
                {
                    if (response is not null && await TakeAsync(response, cancellationToken))
                    {
                        return;
                    }
                }

                response = null;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It is over; what it has seen by then is what counts.
        }
    }

    private void AddCursor(HttpRequestMessage request)
    {
        if (cursor is not null)
        {
            request.Headers.Add("Last-Event-ID", cursor);
        }
    }

    /// <summary>True when the server says that there is nothing more.</summary>
    private async Task<bool> TakeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                Connections++;
                await ReadAsync(response, cancellationToken);
                return false;
            case HttpStatusCode.NoContent:
                if (!HasEnded)
                {
                    Faults.Add("was answered 204 before the end");
                }

                return true;
            case HttpStatusCode.ServiceUnavailable:
                await Draws.PassAsync(random.Between(0.05, 0.5), cancellationToken);
                return false;
            default:
                Faults.Add($"was answered {(int)response.StatusCode}");
                await Draws.PassAsync(random.Between(0.05, 0.5), cancellationToken);
                return false;
        }
    }

    private async Task ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (leaves)
        {
            leaving.CancelAfter(random.Between(0.02, 3));
        }

        SseParser<string>? parser = null;
        string? turn = null;
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(leaving.Token);
            parser = SseParser.Create(stream, (_, data) => Encoding.UTF8.GetString(data));
            await foreach (var item in parser.EnumerateAsync(leaving.Token))
            {
                turn = Take(item, turn);
                if (leaves && random.Chance(0.03))
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (Gateway.IsBroken(exception) && !cancellationToken.IsCancellationRequested)
        {
            // Cut, or gone by itself: it comes back with what it has.
        }
        finally
        {
            // Also an id without an event counts: it is where the stream began.
            cursor = parser is { LastEventId: { Length: > 0 } id } ? id : cursor;
        }
    }

    private string? Take(SseItem<string> item, string? turn)
    {
        if (item.EventType == "turn")
        {
            return JsonElement.Parse(item.Data).GetProperty("turn_id").GetString();
        }

        if (item.EventId is null || item.EventType == "gap")
        {
            Faults.Add($"got '{item.EventType}' with id '{item.EventId}': {item.Data}");
            return turn;
        }

        LastId = ulong.Parse(item.EventId, NumberStyles.None, CultureInfo.InvariantCulture);
        HasEnded |= ends && item.EventType is "complete" or "error" or "cancelled";
        seen.Add(new SeenEvent(LastId, item.EventType, item.Data, turn));
        return turn;
    }
}
