using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace Kgents.Testing;

/// <summary>Reads a response that was requested with <see cref="HttpCompletionOption.ResponseHeadersRead"/> as it comes.</summary>
public static class SseClient
{
    /// <summary>The events; comments, such as heartbeats, are not events.</summary>
    public static async IAsyncEnumerable<SseFrame> ReadAsync(
        HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            yield return new SseFrame(item.EventType, item.EventId, item.Data);
        }
    }

    /// <summary>The lines as they stand, comments and empty ones included.</summary>
    public static async IAsyncEnumerable<string> ReadLinesAsync(
        HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using StreamReader reader = new(stream);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }
}
