using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>
/// A message of the user, which is also the order to run a turn. <paramref name="N"/> counts the turns of a session from 1;
/// a session is idle when its last answer has the N of its last user message.
/// </summary>
/// <param name="Interrupts">The turns before this one are cancelled by it.</param>
public sealed record UserMessage(
    TurnId Turn, long N, string Text, string Mode, DateTimeOffset CreatedAt, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Interrupts = false);
