using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kgents.Api.Keys;

/// <summary>Refuses a time without an offset, which would be one of wherever the process happens to run.</summary>
internal sealed class OffsetTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var isTime = reader.TryGetDateTimeOffset(out var time);
        return isTime && HasOffset(reader.GetString()!) ? time : throw new JsonException("This is not a time with an offset.");
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    /// <summary>The date has dashes too.</summary>
    private static bool HasOffset(string time) => time.IndexOf('T') is > 0 and var hours && time.AsSpan(hours).IndexOfAny('Z', '+', '-') > 0;
}
