using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>
/// What a key's entry is now. Without a record the key is free; its revision is then 0, or that of the mark which a deletion leaves, and a new
/// entry must expect it.
/// </summary>
internal sealed record IdempotencyEntry(ulong Revision, IdempotencyRecord? Record);
