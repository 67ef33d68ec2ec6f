namespace Kgents.Contracts;

/// <summary>The order to delete a session. It is stored before anything of the session goes, and removed when nothing can come back.</summary>
/// <param name="PurgedAt">When all of the session was purged for the first time; null before that.</param>
public sealed record DeletionOrder(DateTimeOffset RequestedAt, DateTimeOffset? PurgedAt = null);
