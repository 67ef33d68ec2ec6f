using System.Globalization;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Talk;

/// <summary>An open stream of a turn, read event by event as they come.</summary>
public sealed class TurnReader(HttpResponseMessage response) : IAsyncDisposable
{
    private readonly IAsyncEnumerator<SseFrame> frames = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
    private readonly List<SseFrame> seen = [];

    public HttpResponseMessage Response => response;

    /// <summary>All that was read so far.</summary>
    public IReadOnlyList<SseFrame> Seen => seen;

    /// <summary>Reads on to the next event of this name, which must come before the stream ends.</summary>
    public async Task<SseFrame> NextAsync(string name)
    {
        while (await frames.MoveNextAsync())
        {
            seen.Add(frames.Current);
            if (frames.Current.Event == name)
            {
                return frames.Current;
            }
        }

        throw new InvalidOperationException($"The stream ended without '{name}': {string.Join(", ", seen.Select(frame => frame.Event))}.");
    }

    /// <summary>Reads on to the event with this id, which must come before the stream ends.</summary>
    public async Task ReadToAsync(ulong id)
    {
        while (seen.Count == 0 || ulong.Parse(seen[^1].Id!, NumberStyles.None, CultureInfo.InvariantCulture) < id)
        {
            if (!await frames.MoveNextAsync())
            {
                throw new InvalidOperationException($"The stream ended before {id}: it came to {seen.LastOrDefault()?.Id}.");
            }

            seen.Add(frames.Current);
        }
    }

    /// <summary>Reads until the server ends the stream; returns all events, those read before too.</summary>
    public async Task<IReadOnlyList<SseFrame>> ReadToEndAsync()
    {
        while (await frames.MoveNextAsync())
        {
            seen.Add(frames.Current);
        }

        return seen;
    }

    public async ValueTask DisposeAsync()
    {
        await frames.DisposeAsync();
        response.Dispose();
    }
}
