using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>Plays a script as one HTTP response.</summary>
internal sealed class ModelResponse(HttpContext context, ModelRequest request, ModelScript script, ModelReply reply)
{
    private bool _usageSent;

    public async Task PlayAsync(CancellationToken cancellationToken)
    {
        foreach (var step in script.Steps)
        {
            switch (step)
            {
                case ModelStep.Token(var text):
                    reply.Say(text);
                    await SendChunkAsync(ModelWire.ContentChunk(reply, text), cancellationToken);
                    break;
                case ModelStep.WaitForRelease:
                    await script.WaitForReleaseAsync(cancellationToken);
                    break;
                case ModelStep.Status status:
                    await SendStatusAsync(status, cancellationToken);
                    return;
                case ModelStep.CutConnection:
                    request.MarkEnded();
                    context.Abort();
                    return;
                case ModelStep.Stall:
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                    break;
                case ModelStep.Usage usage:
                    reply.Report(usage);
                    await SendUsageIfFinishedAsync(cancellationToken);
                    break;
                case ModelStep.OmitUsage:
                    reply.OmitUsage();
                    break;
                case ModelStep.Malformed(var line):
                    await SendLineAsync(line, cancellationToken);
                    break;
                case ModelStep.Finish(var reason):
                    await FinishAsync(reason, cancellationToken);
                    break;
                case ModelStep.EndWithoutDone:
                    return;
                default:
                    throw new InvalidOperationException($"No such step: {step}.");
            }
        }

        await CompleteAsync(cancellationToken);
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (!request.IsStream)
        {
            if (!context.Response.HasStarted)
            {
                context.Response.ContentType = "application/json";
                await WriteAsync(ModelWire.Completion(reply).ToJsonString(), cancellationToken);
            }

            return;
        }

        if (reply.FinishReason is null)
        {
            await FinishAsync("stop", cancellationToken);
        }

        await SendUsageIfFinishedAsync(cancellationToken);
        await SendLineAsync("data: [DONE]", cancellationToken);
    }

    private async Task FinishAsync(string reason, CancellationToken cancellationToken)
    {
        reply.Finish(reason);
        await SendChunkAsync(ModelWire.FinishChunk(reply, reason), cancellationToken);
    }

    private async Task SendUsageIfFinishedAsync(CancellationToken cancellationToken)
    {
        if (request.IncludesUsage && !_usageSent && reply is { FinishReason: not null, Usage: { } usage })
        {
            _usageSent = true;
            await SendChunkAsync(ModelWire.UsageChunk(reply, usage), cancellationToken);
        }
    }

    private async Task SendChunkAsync(JsonObject chunk, CancellationToken cancellationToken)
    {
        if (request.IsStream)
        {
            await SendLineAsync($"data: {chunk.ToJsonString()}", cancellationToken);
        }
    }

    private async Task SendLineAsync(string line, CancellationToken cancellationToken)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = request.IsStream ? "text/event-stream" : "application/json";
            if (request.IsStream)
            {
                await WriteAsync($"data: {ModelWire.RoleChunk(reply).ToJsonString()}\n\n", cancellationToken);
            }
        }

        await WriteAsync($"{line}\n\n", cancellationToken);
    }

    private async Task SendStatusAsync(ModelStep.Status status, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = status.Code;
        context.Response.ContentType = "application/json";
        if (status.RetryAfter is { } retryAfter)
        {
            context.Response.Headers.RetryAfter = ((long)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await WriteAsync(status.Body ?? ModelWire.Error(status.Code).ToJsonString(), cancellationToken);
    }

    private async Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }
}
