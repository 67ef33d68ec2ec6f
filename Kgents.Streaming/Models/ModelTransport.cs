using System.Globalization;
using System.Net.Http.Headers;
using Kgents.Contracts;

namespace Kgents.Streaming.Models;

/// <summary>
/// The way to every provider, below its client: an error becomes a <see cref="ModelException"/> before the client can read its body, and what is
/// not UTF-8 ends the stream instead of becoming replacement characters in an answer.
/// </summary>
internal sealed class ModelTransport(TimeProvider time) : DelegatingHandler(NewHandler())
{
    /// <summary>A client that never gives up by itself: how long a model may be silent is watched above it, and token by token.</summary>
    public static HttpClient NewClient(TimeProvider time, Uri? baseAddress = null) =>
        new(new ModelTransport(time)) { BaseAddress = baseAddress, Timeout = Timeout.InfiniteTimeSpan };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await ReachAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            using (response)
            {
                throw ModelException.Refused(response.StatusCode, RetryAfter(response.Headers));
            }
        }

        var content = response.Content;
        response.Content = new StreamContent(new StrictUtf8Stream(await content.ReadAsStreamAsync(cancellationToken)));
        foreach (var header in content.Headers)
        {
            response.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        return response;
    }

    private async Task<HttpResponseMessage> ReachAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new ModelException(TurnErrorCodes.ModelUnavailable, exception.HttpRequestError.ToString());
        }
    }

    private TimeSpan? RetryAfter(HttpResponseHeaders headers)
    {
        if (headers.TryGetValues("retry-after-ms", out var values) && double.TryParse(values.First(), CultureInfo.InvariantCulture, out var milliseconds) && milliseconds >= 0)
        {
            return TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue));
        }

        var pause = headers.RetryAfter?.Delta ?? headers.RetryAfter?.Date - time.GetUtcNow();
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    /// <summary>Connections end now and then, so that a provider which moves to another address is found again.</summary>
    private static SocketsHttpHandler NewHandler() => new() { PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false };
}
