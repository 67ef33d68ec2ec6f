namespace Kgents.Contracts;

/// <summary>What a tenant has of the surplus that <c>void.entropy</c> is drawn from.</summary>
/// <param name="Remaining">What may still be drawn.</param>
/// <param name="Drawn">What was drawn and not poured back: no more can be.</param>
public sealed record EntropyRecord(decimal Remaining, decimal Drawn);
