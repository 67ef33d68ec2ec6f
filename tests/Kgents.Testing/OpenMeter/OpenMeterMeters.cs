using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>OpenMeter's <c>GET /api/v1/meters/{slug}/query</c> for the meters of <c>deploy/openmeter/config.yaml</c> that sum a quantity, in windows of an hour. Every row counts, also one that is there twice.</summary>
public sealed class OpenMeterMeters
{
    private const string Calls = "kgents.llm.usage.v1";

    private static readonly Dictionary<string, (string Type, string Field)> Meters = new()
    {
        ["llm_input_tokens"] = (Calls, "input_tokens_uncached"),
        ["llm_cache_read_tokens"] = (Calls, "cache_read_tokens"),
        ["llm_cache_write_tokens"] = (Calls, "cache_write_tokens"),
        ["llm_output_tokens"] = (Calls, "output_tokens_visible"),
        ["llm_reasoning_tokens"] = (Calls, "reasoning_tokens"),
        ["llm_tokens_total"] = (Calls, "total_tokens"),
        ["llm_requests"] = (Calls, "requests"),
        ["agent_turns"] = ("kgents.turn.usage.v1", "turns"),
        ["api_requests"] = ("kgents.api.request.v1", "requests"),
    };

    private readonly OpenMeterStore _store;

    internal OpenMeterMeters(OpenMeterStore store) => _store = store;

    /// <summary>What a meter that is wrong makes of its sum, by its slug.</summary>
    public Func<string, decimal, decimal>? Bend { get; set; }

    /// <summary>Answers each query with this status.</summary>
    public int? Status { get; set; }

    internal Task AnswerAsync(HttpContext context, string slug, CancellationToken cancellationToken) =>
        Status is { } status ? OpenMeterProblem.WriteAsync(context, status, "scripted failure", cancellationToken)
        : !Meters.TryGetValue(slug, out var meter) ? OpenMeterProblem.WriteAsync(context, StatusCodes.Status404NotFound, $"meter not found: {slug}", cancellationToken)
        : context.Response.WriteAsJsonAsync(Query(slug, meter, context.Request.Query), cancellationToken);

    private JsonObject Query(string slug, (string Type, string Field) meter, IQueryCollection query)
    {
        var (from, to) = (Time(query["from"]!), Time(query["to"]!));
        var byModel = query["groupBy"] == "model";
        var rows = _store.Visible(null)
            .Where(row => row.Event.GetProperty("type").ValueEquals(meter.Type) && row.Event.GetProperty("subject").ValueEquals(query["subject"].ToString()))
            .Select(row => (At: row.Event.GetProperty("time").GetDateTimeOffset(), Data: row.Event.GetProperty("data")))
            .Where(row => row.At >= from && row.At < to)
            .GroupBy(row => (Hour: new DateTimeOffset(row.At.UtcTicks - (row.At.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero), Model: byModel && row.Data.TryGetProperty("model", out var model) ? model.GetString() : ""));
        return new JsonObject
        {
            ["data"] = new JsonArray([.. rows.Select(group =>
            {
                var sum = group.Sum(row => row.Data.TryGetProperty(meter.Field, out var value) ? MeterValue.Read(value) ?? 0 : 0);
                return (JsonNode)new JsonObject
                {
                    ["value"] = (double)(Bend?.Invoke(slug, sum) ?? sum),
                    ["windowStart"] = group.Key.Hour.ToString("O", CultureInfo.InvariantCulture),
                    ["windowEnd"] = group.Key.Hour.AddHours(1).ToString("O", CultureInfo.InvariantCulture),
                    ["subject"] = query["subject"].ToString(),
                    ["groupBy"] = byModel ? new JsonObject { ["model"] = group.Key.Model } : new JsonObject(),
                };
            })]),
        };
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
