using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kgents.Bench.Floors;

/// <summary>As little of OpenMeter as metering needs: it takes events, keeps their ids, and shows them. It is no measure of OpenMeter; the floor talks to it too.</summary>
internal sealed class BareOpenMeter
{
    private readonly ConcurrentDictionary<string, byte> ids = new(StringComparer.Ordinal);
    private volatile bool isAway;

    public static async Task RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        await using var app = builder.Build();
        var openMeter = new BareOpenMeter();
        app.MapPost("/api/v1/events", openMeter.TakeAsync);
        app.MapGet("/api/v2/events", openMeter.ShowAsync);
        app.MapPost("/away", (bool value) => { openMeter.isAway = value; });
        app.MapGet("/count", () => openMeter.ids.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await app.RunAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        if (isAway)
        {
            // Which says that nothing was taken: of a 503 metering would have to find that out first, for as long as Metering:Confirm:VisibleWithin.
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }

        using var events = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        foreach (var each in events.RootElement.EnumerateArray())
        {
            ids[each.GetProperty("id").GetString()!] = 0;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task ShowAsync(HttpContext context, string filter)
    {
        var asked = JsonElement.Parse(filter).GetProperty("id").GetProperty("$in").EnumerateArray().Select(id => id.GetString()!);
        var page = new StringBuilder("{\"items\":[");
        foreach (var id in asked.Where(ids.ContainsKey))
        {
            page.Append(page[^1] == '[' ? "" : ",").Append("{\"event\":{\"type\":\"kgents.llm.usage.v1\",\"id\":\"").Append(id).Append("\"}}");
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(page.Append("]}").ToString(), context.RequestAborted);
    }
}
