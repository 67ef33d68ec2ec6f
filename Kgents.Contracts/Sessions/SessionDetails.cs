namespace Kgents.Contracts;

/// <summary>What may change of a session. It stands apart from its record, so that a change does not move the session in the order in which sessions were created.</summary>
/// <param name="Metadata">What its client noted, as a whole; null for what the record says.</param>
public sealed record SessionDetails(string? Title, bool IsArchived, IReadOnlyDictionary<string, string>? Metadata);
