using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Export;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Confirm;

/// <summary>What OpenMeter shows under an id: how often, and why it counts nothing for it, if it says so.</summary>
/// <param name="Quantity">What the event counts as it is there; 0 when that is no number.</param>
internal sealed record ShownEvent(int Times, string? ValidationError, decimal Quantity = 0);

/// <summary>Asks OpenMeter's <c>GET /api/v2/events</c> which events it has. A read: it may be asked at any time.</summary>
internal sealed class OpenMeterEvents(HttpClient http, IOptions<ExportOptions> options)
{
    /// <summary>Of ids in a request, and of events in an answer.</summary>
    public const int Most = 100;

    /// <summary>By id; an id that OpenMeter does not show is not in it.</summary>
    /// <exception cref="HttpRequestException">It did not answer, or not what it should.</exception>
    public async Task<IReadOnlyDictionary<string, ShownEvent>> FindAsync(IReadOnlyCollection<string> ids, IReadOnlyCollection<string> sources, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Value.RequestTimeout);
        try
        {
            var shown = new Dictionary<string, ShownEvent>();
            string? cursor = null;
            bool more;
            do
            {
                (more, cursor) = await ReadPageAsync(ids, sources, cursor, shown, timeout.Token);
            }
            while (more);

            return shown;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException("no answer in time");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IOException)
        {
            throw new HttpRequestException("the answer is not a list of events", exception);
        }
    }

    private static string Filter(IEnumerable<string> ids, IEnumerable<string> sources) =>
        $$"""{"id":{"$in":[{{Listed(ids)}}]},"source":{"$in":[{{Listed(sources)}}]} }""";

    private static string Listed(IEnumerable<string> values) => string.Join(',', values.Select(value => $"\"{JsonEncodedText.Encode(value)}\""));

    private static decimal QuantityOf(JsonElement shown) =>
        shown.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            && data.TryGetProperty(UsageEvent.QuantityField(shown.GetProperty("type").GetString()!), out var text) && text.ValueKind == JsonValueKind.String
            && decimal.TryParse(text.GetString(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quantity) ? quantity : 0;

    private async Task<(bool More, string? Next)> ReadPageAsync(
        IReadOnlyCollection<string> ids, IReadOnlyCollection<string> sources, string? cursor, Dictionary<string, ShownEvent> shown, CancellationToken cancellationToken)
    {
        var query = $"api/v2/events?limit={Most}&filter={Uri.EscapeDataString(Filter(ids, sources))}{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}";
        using var response = await http.GetAsync(new Uri(query, UriKind.Relative), cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"it answers {(int)response.StatusCode}", null, response.StatusCode);
        }

        using var page = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
        var items = page.RootElement.GetProperty("items");
        foreach (var item in items.EnumerateArray())
        {
            var id = item.GetProperty("event").GetProperty("id").GetString()!;
            var error = item.TryGetProperty("validationError", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
            shown[id] = new ShownEvent(shown.TryGetValue(id, out var known) ? known.Times + 1 : 1, error, QuantityOf(item.GetProperty("event")));
        }

        var next = page.RootElement.TryGetProperty("nextCursor", out var value) ? value.GetString() : null;
        return (items.GetArrayLength() >= Most && next is not null && next != cursor, next);
    }
}
