using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>
/// A message of the user, which is also the order to run a turn. <paramref name="N"/> counts the turns of a session from 1;
/// a session is idle when its last answer has the N of its last user message.
/// </summary>
/// <param name="Model">Who is asked to answer; null for the worker's own choice.</param>
/// <param name="Interrupts">The turns before this one are cancelled by it.</param>
public sealed record UserMessage(
    TurnId Turn,
    long N,
    string Text,
    string Mode,
    DateTimeOffset CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Interrupts = false,
    string? Model = null)
{
    /// <summary>One of <see cref="MessageKinds"/>; null for a message that is to be answered.</summary>
    public string? Kind { get; init; }

    /// <summary>One of <see cref="BudgetTiers"/>; null for <c>dialogue</c>.</summary>
    public string? Budget { get; init; }

    /// <summary>
    /// The tokens of a month that the tenant had when the message was accepted, 0 for no limit: the turn has a place in its quota, and is settled when it ends. Null for
    /// a turn that has none.
    /// </summary>
    public long? TokenQuota { get; init; }

    /// <summary>With which it was sent; null for one of before keys were noted.</summary>
    public ApiKeyId? KeyId { get; init; }

    /// <summary>The session's, when it has its own.</summary>
    public Eigenvectors? Eigenvectors { get; init; }

    /// <summary>The AGENTESE path that asked, as <c>world.house.define</c>; null for a message that a client wrote.</summary>
    public string? Path { get; init; }

    /// <summary>As whom it asked.</summary>
    public string? Archetype { get; init; }
}
