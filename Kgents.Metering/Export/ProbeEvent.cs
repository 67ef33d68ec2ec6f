using System.Globalization;
using System.Text;

namespace Kgents.Metering.Export;

/// <summary>An event that OpenMeter takes and no meter counts: it has a type and a subject of its own, and no quantity.</summary>
internal static class ProbeEvent
{
    public const string Source = "urn:kgents:metering";
    public const string Type = "kgents.metering.probe.v1";

    public static ReadOnlyMemory<byte> New(TimeProvider time) => New(Guid.NewGuid().ToString(), time);

    public static ReadOnlyMemory<byte> New(string id, TimeProvider time) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"specversion":"1.0","id":"{{id}}","source":"{{Source}}","type":"{{Type}}","subject":"kgents-probe","time":"{{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'}}","datacontenttype":"application/json","data":{"value":"0"} }"""));

}
