using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>
/// A past turn as a stream, with the pauses that it had when it was written to its log, divided by a speed. The pauses are those between the times of the stream; each event is due by the
/// first one, so that being late once makes nothing after it late.
/// </summary>
internal sealed class ReplayStream(EndedTurn turn, int speed) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var address = turn.Address;
        httpContext.Response.Headers.ContentLocation = $"/v1/kgent/sessions/{address.Session}/turns/{address.Turn}/events";
        return EventStream.RunAsync(httpContext, after: 0, _ => { }, (body, cancellationToken) => PlayAsync(httpContext.RequestServices, body, cancellationToken));
    }

    private async Task PlayAsync(IServiceProvider services, ViewerBody body, CancellationToken cancellationToken)
    {
        var (reader, time) = (services.GetRequiredService<JetStreamReader>(), services.GetRequiredService<TimeProvider>());
        var heartbeat = services.GetRequiredService<IOptions<TurnStreamOptions>>().Value.HeartbeatInterval;
        var end = turn.State.LastEntry!.Sequence;
        var began = time.GetTimestamp();
        DateTimeOffset? first = null;
        await foreach (StoredEntry stored in reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn.Address), 1, end, cancellationToken))
        {
            TurnEntry entry = stored;
            first ??= stored.Time;
            var due = (stored.Time - first.Value) / speed;
            while (due - time.GetElapsedTime(began) is { Ticks: > 0 } pause)
            {
                // All that is due is sent before a pause, and a long one has its comments.
                await body.FlushAsync(cancellationToken);
                await Task.Delay(pause < heartbeat ? pause : heartbeat, time, cancellationToken);
                if (pause > heartbeat)
                {
                    TurnSse.WriteHeartbeat(body.Output);
                }
            }

            TurnSse.Write(body.Output, entry);
            if (body.IsFull)
            {
                await body.FlushAsync(cancellationToken);
            }

            if (entry.IsTerminal)
            {
                break;
            }
        }

        await body.FlushAsync(cancellationToken);
    }
}
