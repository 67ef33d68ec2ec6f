using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Kgents.Metering.Export;

/// <summary>Reads an answer of OpenMeter, or the lack of one.</summary>
internal static partial class SendOutcomes
{
    private const int LongestDetail = 300;

    public static async Task<SendOutcome> ReadAsync(HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        var status = response.StatusCode;
        var cause = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (response.IsSuccessStatusCode)
        {
            return new SendOutcome(SendResult.Taken, cause);
        }

        var detail = await DetailAsync(response, cancellationToken);
        var asked = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;
        return status switch
        {
            HttpStatusCode.TooManyRequests or (HttpStatusCode)425 => new SendOutcome(SendResult.NotTaken, cause, detail, RetryAfter: asked),

            // Part of a batch may be in Kafka when the next part fails; and a gateway answers for an OpenMeter that works on.
            HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError => new SendOutcome(SendResult.Unknown, cause, detail, RetryAfter: asked),
            HttpStatusCode.RequestEntityTooLarge => new SendOutcome(SendResult.TooLarge, cause, detail),
            < HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed
                or HttpStatusCode.ProxyAuthenticationRequired or HttpStatusCode.UnsupportedMediaType => new SendOutcome(SendResult.Misconfigured, cause, detail, RetryAfter: asked),
            _ => new SendOutcome(SendResult.Invalid, cause, detail, IndexIn(detail)),
        };
    }

    /// <summary>Null for an exception that is none of the network's.</summary>
    public static SendOutcome? Read(Exception exception) => exception switch
    {
        BrokenCircuitException broken => new SendOutcome(SendResult.NotTaken, "circuit", "it has failed too often", RetryAfter: broken.RetryAfter),
        TimeoutRejectedException => new SendOutcome(SendResult.Unknown, "timeout", "no answer in time"),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError } network =>
            new SendOutcome(SendResult.NotTaken, "connection", $"no connection ({network.HttpRequestError})"),
        HttpRequestException network => new SendOutcome(SendResult.Unknown, "network", $"no answer ({network.HttpRequestError})"),
        IOException => new SendOutcome(SendResult.Unknown, "network", "no answer (the connection broke)"),
        _ => null,
    };

    private static int? IndexIn(string detail) =>
        Index.Match(detail) is { Success: true } match && int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    /// <summary>The <c>detail</c> of a problem; it names fields and positions, and is OpenMeter's own text.</summary>
    private static async Task<string> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var detail = "";
        try
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            using var problem = JsonDocument.Parse(body);
            detail = problem.RootElement.ValueKind == JsonValueKind.Object && problem.RootElement.TryGetProperty("detail", out var text) ? text.ToString() : "";
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            // Not OpenMeter's own answer: the status has to do.
        }

        detail = detail.ReplaceLineEndings(" ");
        return detail.Length <= LongestDetail ? detail : detail[..LongestDetail];
    }

    [GeneratedRegex("""Error at "/([0-9]+)""")]
    private static partial Regex Index { get; }
}
