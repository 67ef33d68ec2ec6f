namespace Kgents.Contracts;

/// <summary>
/// A message of the user, which is also the order to run a turn. <paramref name="N"/> counts the turns of a session from 1;
/// a session is idle when its last answer has the N of its last user message.
/// </summary>
public sealed record UserMessage(TurnId Turn, long N, string Text, string Mode, DateTimeOffset CreatedAt);
