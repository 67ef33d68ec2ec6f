using System.Text.Json;

namespace Kgents.Testing;

/// <summary>One server-sent event as a browser would dispatch it.</summary>
/// <param name="Event">The name; <c>message</c> when the stream gave none.</param>
/// <param name="Id">The <c>id</c> line of this very event, if it had one.</param>
public sealed record SseFrame(string Event, string? Id, string Data)
{
    /// <summary>The data as JSON.</summary>
    public JsonElement Json => JsonElement.Parse(Data);
}
