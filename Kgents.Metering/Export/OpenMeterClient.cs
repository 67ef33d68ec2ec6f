using System.Net.Http.Headers;
using Kgents.ServiceDefaults.Connections;

namespace Kgents.Metering.Export;

/// <summary>Sends usage to OpenMeter's <c>POST /api/v1/events</c>.</summary>
internal sealed class OpenMeterClient(HttpClient http)
{
    public const string ConnectionName = "openmeter";

    /// <summary>OpenMeter compares the whole header: with a charset it answers 400.</summary>
    private static readonly MediaTypeHeaderValue Batch = new("application/cloudevents-batch+json");

    /// <summary>Sends the events as they are, in one array. Null when it took them, else what it said; and the pause that it asked for.</summary>
    public async Task<(string? Refusal, TimeSpan? RetryAfter)> SendAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(Join(events));
        content.Headers.ContentType = Batch;
        using var response = await http.PostAsync(new Uri("api/v1/events", UriKind.Relative), content, cancellationToken);
        return response.IsSuccessStatusCode
            ? (null, null)
            : ($"{(int)response.StatusCode} {response.ReasonPhrase}", response.Headers.RetryAfter?.Delta);
    }

    public static void Configure(HttpClient http, EndpointConnectionString connection)
    {
        var address = connection.Endpoint.AbsoluteUri;
        http.BaseAddress = new Uri(address.EndsWith('/') ? address : address + "/");
        if (connection.Key is { } key)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    private static byte[] Join(IReadOnlyList<ReadOnlyMemory<byte>> events)
    {
        using var buffer = new MemoryStream();
        buffer.WriteByte((byte)'[');
        for (var index = 0; index < events.Count; index++)
        {
            if (index > 0)
            {
                buffer.WriteByte((byte)',');
            }

            buffer.Write(events[index].Span);
        }

        buffer.WriteByte((byte)']');
        return buffer.ToArray();
    }
}
