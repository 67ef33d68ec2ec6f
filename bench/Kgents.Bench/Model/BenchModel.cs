using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.Bench.Model;

/// <summary>
/// An OpenAI-compatible model that streams time stamps. The scripted server of the tests builds JSON for each token; this one copies bytes, so that
/// it is not what is measured.
/// </summary>
internal sealed class BenchModel : IAsyncDisposable
{
    private static readonly byte[] Before = Encoding.UTF8.GetBytes(
        "data: {\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");

    private static readonly byte[] After = Encoding.UTF8.GetBytes("\"},\"finish_reason\":null}]}\n\n");
    private static readonly byte[] End = Encoding.UTF8.GetBytes(
        "data: {\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" +
        "data: {\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n\n" +
        "data: [DONE]\n\n");

    private readonly WebApplication application;

    private BenchModel(WebApplication application) => this.application = application;

    public ModelLoad Load { get; set; } = new(30, TimeSpan.FromSeconds(1));

    public string ConnectionString => $"Endpoint={application.Urls.Single()}/v1;Key=bench;Model=bench-1";

    public static async Task<BenchModel> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        var model = new BenchModel(application);
        application.Run(model.AnswerAsync);
        await application.StartAsync(cancellationToken);
        return model;
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, application.Lifetime.ApplicationStopping);
        var load = Load;
        try
        {
            await context.Request.Body.CopyToAsync(Stream.Null, end.Token);
            context.Response.ContentType = "text/event-stream";
            await SayAsync(context.Response.BodyWriter, load, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The worker was killed or the run is over.
            context.Abort();
        }
    }

    private static async Task SayAsync(PipeWriter output, ModelLoad load, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var pacer = new Pacer(load.TokensPerSecond);
        for (var said = 0; said < load.Tokens && Stopwatch.GetElapsedTime(started) < load.Duration;)
        {
            for (var due = Math.Min(await pacer.NextAsync(cancellationToken), load.Tokens - said); due > 0; due--)
            {
                Write(output, Stopwatch.GetTimestamp());
                said++;
            }

            await output.FlushAsync(cancellationToken);
        }

        await output.WriteAsync(End, cancellationToken);
    }

    private static void Write(PipeWriter output, long timestamp)
    {
        var line = output.GetSpan(Before.Length + TokenStamp.Length + After.Length);
        Before.CopyTo(line);
        TokenStamp.Write(line[Before.Length..], timestamp);
        After.CopyTo(line[(Before.Length + TokenStamp.Length)..]);
        output.Advance(Before.Length + TokenStamp.Length + After.Length);
    }
}
