namespace Kgents.Contracts;

/// <summary>What may be asked of the worker of a turn, on <see cref="Subjects.Control"/>. It answers anything, which says that it lives.</summary>
public static class TurnControlMessages
{
    /// <summary>Look at the turn's cancel mark now.</summary>
    public static ReadOnlySpan<byte> Cancel => "cancel"u8;
}
