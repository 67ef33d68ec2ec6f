using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using NATS.Client.Core;

namespace Kgents.Api.Problems;

/// <summary>Turns what was thrown before the first byte into a problem: what the client sent wrong, NATS away, or a fault of ours.</summary>
internal sealed partial class FaultHandler(ILogger<FaultHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            return true;
        }

        switch (exception)
        {
            case BadHttpRequestException bad:
                await Explain(context, bad).ExecuteAsync(context);
                break;
            case NatsException or TimeoutException or OperationCanceledException:
                LogUnavailable(context.Request.Path, exception);
                await RespondUnavailableAsync(context);
                break;
            default:
                LogUnexpected(context.Request.Path, exception);
                await Problem.Unexpected.ExecuteAsync(context);
                break;
        }

        return true;
    }

    /// <summary>The framework answers some requests by itself, with a status and no body.</summary>
    public static Task ExplainStatusAsync(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status400BadRequest => Unreadable(400).ExecuteAsync(context),
        StatusCodes.Status404NotFound => Problem.NoSuchPath.ExecuteAsync(context),
        StatusCodes.Status405MethodNotAllowed => Problem.NoSuchMethod.ExecuteAsync(context),
        StatusCodes.Status408RequestTimeout => Problem.Invalid(408, "body", "came too slowly").ExecuteAsync(context),
        StatusCodes.Status413PayloadTooLarge => Problem.TooLarge.ExecuteAsync(context),
        StatusCodes.Status415UnsupportedMediaType => Problem.NotJson.ExecuteAsync(context),
        _ => Task.CompletedTask,
    };

    public static Task RespondUnavailableAsync(HttpContext context)
    {
        Problem.SetRetryAfter(context);
        return Problem.Unavailable.ExecuteAsync(context);
    }

    private static ProblemHttpResult Explain(HttpContext context, BadHttpRequestException bad) => (bad.StatusCode, bad.InnerException) switch
    {
        (StatusCodes.Status413PayloadTooLarge, _) => Problem.TooLarge,
        (StatusCodes.Status415UnsupportedMediaType, _) => Problem.NotJson,
        (_, JsonException json) => UnreadableJson.Explain(context, json),
        (StatusCodes.Status400BadRequest, null) when TakesBody(context) => Problem.Invalid(400, "body", $"{(HasBody(context) ? "" : "is missing: it ")}must be a JSON object"),
        _ => Unreadable(bad.StatusCode),
    };

    /// <summary>The endpoint of the request is not the exception handler's.</summary>
    private static bool TakesBody(HttpContext context) => context.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>() is not null;

    private static bool HasBody(HttpContext context) => context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false };

    private static ProblemHttpResult Unreadable(int status) => Problem.Invalid(status, "body", "could not be read");

    [LoggerMessage(LogLevel.Warning, "{Path} could not be served: the store does not answer.")]
    private partial void LogUnavailable(PathString path, Exception exception);

    [LoggerMessage(LogLevel.Error, "{Path} failed.")]
    private partial void LogUnexpected(PathString path, Exception exception);
}
