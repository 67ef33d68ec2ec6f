namespace Kgents.Testing;

/// <summary>One request to <see cref="OpenMeterStandIn"/>, recorded before any fault or check.</summary>
/// <param name="EventCount">Events in the body; 0 when it is not JSON.</param>
public sealed record OpenMeterRequest(string? ContentType, string? Authorization, int EventCount, ReadOnlyMemory<byte> Body)
{
    public DateTimeOffset At { get; } = TimeProvider.System.GetUtcNow();

    /// <summary>What went wrong with it, once that is decided.</summary>
    public OpenMeterFault? Fault { get; internal set; }
}
