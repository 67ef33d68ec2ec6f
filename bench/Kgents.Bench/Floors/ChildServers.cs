using System.Globalization;
using Kgents.Api;
using Kgents.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace Kgents.Bench.Floors;

/// <summary>Servers that this program starts as processes of their own, so that their time and memory are theirs alone.</summary>
internal static class ChildServers
{
    /// <summary>Plain Kestrel: <c>/frames</c>, and a stream on which nothing comes for all else.</summary>
    public const string Bare = "bare";

    /// <summary>The API, and <c>/bench/allocated</c>, which says what its process has allocated so far.</summary>
    public const string Api = "api";

    /// <summary>In both: collects all garbage and gives its memory back.</summary>
    public const string Collect = "/bench/collect";

    /// <summary>What takes usage in the place of OpenMeter.</summary>
    public const string OpenMeter = "openmeter";

    public static Task RunAsync(string server, string[] arguments) => server switch
    {
        Bare => RunBareAsync(double.Parse(arguments[0], CultureInfo.InvariantCulture), int.Parse(arguments[1], CultureInfo.InvariantCulture)),
        Api => RunApiAsync(),
        OpenMeter => BareOpenMeter.RunAsync(),
        _ => throw new ArgumentException($"There is no server '{server}'.", nameof(server)),
    };

    private static async Task RunBareAsync(double framesPerSecond, int frameSize)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        await using var app = builder.Build();
        var frames = new BareFrames(frameSize);
        app.MapPost(Collect, CollectAll);
        app.MapGet("/frames", frames.JoinAsync);
        app.Use((context, next) => context.GetEndpoint() is null ? BareFrames.OpenAsync(context) : next(context));
        await app.StartAsync();
        await Task.WhenAny(frames.RunAsync(framesPerSecond, app.Lifetime.ApplicationStopping), app.WaitForShutdownAsync());
    }

    private static async Task RunApiAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults("kgents-api");
        builder.AddKgentsApi();
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapKgentsApi();
        app.MapPost(Collect, CollectAll);
        app.MapGet("/bench/allocated", () => TypedResults.Text(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture)));
        app.MapGet("/bench/relay", RelayAsync);
        await app.RunAsync();
    }

    private static async Task RelayAsync(HttpContext context, INatsConnection connection, string subject)
    {
        await BareFrames.StartAsync(context);
        await using var relay = new BareRelay(connection, subject, context.Response.BodyWriter);
        await connection.AddSubAsync(relay, context.RequestAborted);
        await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static void CollectAll()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
