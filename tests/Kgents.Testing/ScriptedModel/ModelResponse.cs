using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>Plays a script as one HTTP response.</summary>
internal sealed class ModelResponse(HttpContext context, ModelRequest request, ModelScript script, ModelReply reply, ModelProtocol protocol)
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
                    await SendAsync(protocol.Token(text), cancellationToken);
                    break;
                case ModelStep.WaitForRelease:
                    await script.WaitForReleaseAsync(cancellationToken);
                    break;
                case ModelStep.Pause(var time):
                    await Task.Delay(time, cancellationToken);
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
                    await SendAsync(protocol.Line(line), cancellationToken);
                    break;
                case ModelStep.Bytes(var bytes):
                    await OpenAsync(cancellationToken);
                    await WriteAsync(bytes, cancellationToken);
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
                await WriteAsync(protocol.Completion().ToJsonString(), cancellationToken);
            }

            return;
        }

        if (reply.FinishReason is null)
        {
            await FinishAsync("stop", cancellationToken);
        }

        await SendUsageIfFinishedAsync(cancellationToken);
        await SendAsync(protocol.Ending(), cancellationToken);
    }

    private async Task FinishAsync(string reason, CancellationToken cancellationToken)
    {
        reply.Finish(reason);
        await SendAsync(protocol.Finish(reason), cancellationToken);
    }

    private async Task SendUsageIfFinishedAsync(CancellationToken cancellationToken)
    {
        if (!_usageSent && reply is { FinishReason: not null, Usage: { } usage })
        {
            _usageSent = true;
            await SendAsync(protocol.Usage(usage), cancellationToken);
        }
    }

    private async Task SendAsync(string text, CancellationToken cancellationToken)
    {
        if (request.IsStream && text.Length > 0)
        {
            await OpenAsync(cancellationToken);
            await WriteAsync(text, cancellationToken);
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = protocol.StreamContentType;
            await WriteAsync(protocol.Opening(), cancellationToken);
        }
    }

    private async Task SendStatusAsync(ModelStep.Status status, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = status.Code;
        context.Response.ContentType = "application/json";
        if (status.RetryAfter is { } retryAfter)
        {
            context.Response.Headers.RetryAfter = ((long)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            if (retryAfter.Milliseconds > 0)
            {
                context.Response.Headers["retry-after-ms"] = retryAfter.TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
            }
        }

        await WriteAsync(status.Body ?? protocol.Error(status.Code).ToJsonString(), cancellationToken);
    }

    private Task WriteAsync(string text, CancellationToken cancellationToken) => WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    private async Task WriteAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(bytes, cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }
}
