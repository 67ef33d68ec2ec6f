namespace Kgents.Testing;

/// <summary>One request to <see cref="OpenMeterStandIn"/>, recorded before any fault or check.</summary>
/// <param name="EventCount">Events in the body; 0 when it is not JSON.</param>
public sealed record OpenMeterRequest(string? ContentType, string? Authorization, int EventCount, ReadOnlyMemory<byte> Body);
