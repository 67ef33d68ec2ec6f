using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>Sends an event to a receiver, once. Of its answer only the status is read, and when to come again.</summary>
internal sealed class WebhookClient(GuardedTransport transport, IOptions<WebhookDeliveryOptions> options, TimeProvider time)
{
    private const string UserAgent = "Kgents-Webhooks";

    public async Task<SendResult> SendAsync(WebhookRecord webhook, WebhookEventId id, string body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            using var request = Create(webhook, id, body, time.GetUtcNow());
            using var response = await transport.SendAsync(request, limit.Token);
            return new SendResult(response.StatusCode, null, RetryAfter(response.Headers.RetryAfter));
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ErrorOf(exception) is { } error)
        {
            return new SendResult(null, error);
        }
    }

    private static HttpRequestMessage Create(WebhookRecord webhook, WebhookEventId id, string body, DateTimeOffset at)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Headers.Add("webhook-id", id.ToString());
        request.Headers.Add("webhook-timestamp", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Sign(webhook.SecretsAt(at).Select(secret => secret.Value), id.ToString(), at, body));
        return request;
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) =>
        header?.Delta ?? (header?.Date is { } date && date - time.GetUtcNow() is { Ticks: > 0 } pause ? pause : null);

    /// <summary>Null for a fault of our own.</summary>
    private static string? ErrorOf(Exception exception) => exception switch
    {
        OperationCanceledException => WebhookAttemptErrors.Timeout,
        HttpRequestException { InnerException: AddressNotAllowedException } => WebhookAttemptErrors.AddressNotAllowed,
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } } => WebhookAttemptErrors.NameNotFound,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => WebhookAttemptErrors.Tls,
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.HttpProtocolError } => WebhookAttemptErrors.Unreadable,
        HttpRequestException or IOException => WebhookAttemptErrors.Connection,
        _ => null,
    };
}
