namespace Kgents.Contracts;

/// <summary>
/// The turn that a client's key stands for, decided before its message is published: with the request, all of the message can be made again from
/// it, so whoever retries publishes the same message at the same place, and at most one is stored.
/// </summary>
/// <param name="BodyHash">SHA-256, in hex, of what was asked.</param>
/// <param name="Base">The sequence of the session's last user message, which the publish expects; 0 for none.</param>
public sealed record IdempotencyRecord(string BodyHash, TurnId Turn, long N, ulong Base, DateTimeOffset CreatedAt);
