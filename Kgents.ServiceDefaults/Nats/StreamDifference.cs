namespace Kgents.ServiceDefaults.Nats;

/// <summary>A field of a stream's configuration that is not what it should be.</summary>
public sealed record StreamDifference(string Field, object? Expected, object? Found)
{
    public override string ToString() => $"{Field}: expected {Expected ?? "none"}, found {Found ?? "none"}";
}
