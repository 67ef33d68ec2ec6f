namespace Kgents.Testing;

/// <summary>What the stand-in did to an event, however often it was sent.</summary>
/// <param name="Promised">Requests with it that were answered with a 2xx.</param>
/// <param name="Lost">Times that it was taken and is nowhere, or was dropped as known.</param>
/// <param name="TooLarge">Requests with it alone that were answered with a 413.</param>
/// <param name="Forgotten">Times that it was there, and was lost.</param>
public sealed record OpenMeterHistory(int Promised, int Lost, int TooLarge, int Forgotten)
{
    public static OpenMeterHistory None { get; } = new(0, 0, 0, 0);
}
