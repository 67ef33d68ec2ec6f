using System.Globalization;
using System.Net;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Export;
using Kgents.ServiceDefaults.Ledger;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Reconcile;

/// <summary>Asks OpenMeter's <c>GET /api/v1/meters/{slug}/query</c> what it would bill. A read: it may be asked at any time.</summary>
internal sealed class OpenMeterMeters(HttpClient http, IOptions<ExportOptions> options)
{
    /// <summary>By hour and model, which is empty where the meter has none; null when there is no such meter.</summary>
    /// <exception cref="HttpRequestException">It did not answer, or not what it should.</exception>
    public async Task<IReadOnlyDictionary<(string Hour, string Model), decimal>?> QueryAsync(UsageMeter meter, TenantId tenant, string from, string to, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Value.RequestTimeout);
        try
        {
            var query = $"api/v1/meters/{meter.Slug}/query?from={Time(from)}&to={Time(to)}&windowSize=HOUR&subject={tenant}{(meter.ByModel ? "&groupBy=model" : "")}";
            using var response = await http.GetAsync(new Uri(query, UriKind.Relative), timeout.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode)
            {
                throw new HttpRequestException($"it answers {(int)response.StatusCode}", null, response.StatusCode);
            }

            using var found = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(timeout.Token), cancellationToken: timeout.Token);
            var data = found.RootElement.GetProperty("data");
            IEnumerable<JsonElement> sums = data.ValueKind == JsonValueKind.Null ? [] : data.EnumerateArray();
            return sums.GroupBy(Key).ToDictionary(group => group.Key, group => group.Sum(row => row.GetProperty("value").GetDecimal()));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException("no answer in time");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IOException)
        {
            throw new HttpRequestException("the answer is not that of a meter", exception);
        }
    }

    private static string Time(string hour) => UsageHour.Start(hour).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static (string Hour, string Model) Key(JsonElement row) => (
        UsageHour.Of(row.GetProperty("windowStart").GetDateTimeOffset()),
        row.TryGetProperty("groupBy", out var groups) && groups.ValueKind == JsonValueKind.Object && groups.TryGetProperty("model", out var model) && model.ValueKind == JsonValueKind.String ? model.GetString()! : "");
}
