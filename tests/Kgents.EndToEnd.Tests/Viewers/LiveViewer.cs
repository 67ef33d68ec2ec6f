using System.Globalization;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>A client that reads as fast as it can, and notes when each event came.</summary>
internal sealed class LiveViewer(HttpResponseMessage response)
{
    private readonly List<(ulong Id, DateTimeOffset At)> seen = [];

    /// <summary>Reads so many events and leaves.</summary>
    public async Task RunAsync(int count)
    {
        using (response)
        {
            response.EnsureSuccessStatusCode();
            await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
            {
                seen.Add((ulong.Parse(frame.Id!, CultureInfo.InvariantCulture), TimeProvider.System.GetUtcNow()));
                if (seen.Count == count)
                {
                    return;
                }
            }
        }

        throw new InvalidOperationException($"A live viewer's stream ended after {seen.Count} of {count} events.");
    }

    /// <summary>How old each event was in ms, from the server's clock when it was stored to ours when it was seen: they are one clock.</summary>
    public IEnumerable<double> Ages(IReadOnlyDictionary<ulong, StoredMessage> log) => seen.Select(each => (each.At - log[each.Id].Time).TotalMilliseconds);
}
