using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Kgents.Testing;

/// <summary>What becomes of the events that are sent to the stand-in: as OpenMeter would have it, or as a test has asked for.</summary>
internal sealed class OpenMeterIngest(OpenMeterStandIn openMeter, OpenMeterStore events, OpenMeterFaults faults)
{
    private readonly RecentItems<OpenMeterRequest> _requests = new(10_000);

    public IReadOnlyList<OpenMeterRequest> Requests => _requests.Snapshot();

    /// <param name="success">The status of an answer that all was taken.</param>
    public async Task HandleAsync(HttpContext context, int success, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        await context.Request.Body.CopyToAsync(bytes, cancellationToken);
        var body = OpenMeterBody.Parse(bytes.ToArray());
        string? contentType = context.Request.Headers.ContentType;
        string? authorization = context.Request.Headers.Authorization;
        var count = body is not { } json ? 0 : json.ValueKind is JsonValueKind.Array ? json.GetArrayLength() : 1;
        var request = new OpenMeterRequest(contentType, authorization, count, bytes.ToArray());
        _requests.Add(request);

        await faults.WaitWhileHangingAsync(cancellationToken);
        var fault = faults.Take() ?? new OpenMeterFault(RequestFault.None);
        request.Fault = fault;
        switch (fault.Fault)
        {
            case RequestFault.Refused:
                NoteTooLarge(body, fault.Status);
                await OpenMeterProblem.WriteAsync(context, fault, cancellationToken);
                return;
            case RequestFault.BrokenBefore:
                context.Abort();
                return;
        }

        if (await openMeter.IsRefusedAsync(context, cancellationToken))
        {
            return;
        }

        if (bytes.Length > openMeter.LargestBody)
        {
            NoteTooLarge(body, StatusCodes.Status413PayloadTooLarge);
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        var (sent, problem) = OpenMeterBody.Read(contentType, body);
        problem ??= openMeter.IsPoison is { } isPoison && sent.Any(isPoison) ? "invalid event: unknown" : null;
        if (problem is not null)
        {
            await OpenMeterProblem.WriteAsync(context, StatusCodes.Status400BadRequest, problem, cancellationToken);
            return;
        }

        await AcceptAsync(context, sent, fault, success, cancellationToken);
    }

    private async Task AcceptAsync(HttpContext context, IReadOnlyList<JsonElement> sent, OpenMeterFault fault, int success, CancellationToken cancellationToken)
    {
        if (fault.Fault is RequestFault.ClaimedAndFailed)
        {
            events.Claim(sent);
            await OpenMeterProblem.WriteAsync(context, fault, cancellationToken);
            return;
        }

        var taken = fault.Fault is RequestFault.PartlyTaken ? sent.Take(fault.Taken) : sent;
        events.Accept(taken, openMeter.Deduplicate, openMeter.VisibleAfter, value => IsTooOld(value) ? EventFate.Lost : faults.FateOf(value));
        switch (fault.Fault)
        {
            case RequestFault.PartlyTaken:
                await OpenMeterProblem.WriteAsync(context, fault, cancellationToken);
                break;
            case RequestFault.BrokenAfter:
                context.Abort();
                break;
            default:
                events.Promise(sent);
                context.Response.StatusCode = success;
                break;
        }
    }

    private void NoteTooLarge(JsonElement? body, int status)
    {
        if (status == StatusCodes.Status413PayloadTooLarge && body is { ValueKind: JsonValueKind.Array } sent && sent.GetArrayLength() == 1)
        {
            events.RefuseAsTooLarge(sent[0]);
        }
    }

    private bool IsTooOld(JsonElement value) =>
        openMeter.OldestTime is { } oldest && value.TryGetProperty("time", out var time) && time.ValueKind is JsonValueKind.String && time.GetDateTimeOffset() < TimeProvider.System.GetUtcNow() - oldest;
}
