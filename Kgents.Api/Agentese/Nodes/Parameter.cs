namespace Kgents.Api.Agentese;

/// <summary>What a value in <c>kwargs</c> has to be.</summary>
internal enum ParameterKind
{
    /// <summary>Text of at most 200 characters, not blank.</summary>
    Text,

    /// <summary>What the aspect works on: any text, or any other JSON, of at most <c>Messages:MaxBytes</c>.</summary>
    Input,

    Session,
    Turn,

    /// <summary>Of entropy: more than 0, at most 1, four decimals at most.</summary>
    Amount,

    /// <summary>An instant with an offset, not in the future.</summary>
    Time,

    /// <summary>How many in a page.</summary>
    Limit,

    /// <summary>What an earlier page gave.</summary>
    Cursor,

    /// <summary>One of the budget tiers.</summary>
    Budget,

    /// <summary>One of <see cref="Parameter.Choices"/>.</summary>
    Choice,
}

/// <summary>A value that an aspect takes.</summary>
internal sealed record Parameter(string Name, ParameterKind Kind, bool IsRequired = false)
{
    /// <summary>The name of what a step of a composition gives to the next.</summary>
    public const string InputName = "input";

    public IReadOnlyList<string> Choices { get; init; } = [];

    public static Parameter Input { get; } = new(InputName, ParameterKind.Input);

    public static Parameter RequiredInput { get; } = new(InputName, ParameterKind.Input, IsRequired: true);

    public static Parameter SessionId { get; } = new("session_id", ParameterKind.Session, IsRequired: true);

    public static Parameter TurnId { get; } = new("turn_id", ParameterKind.Turn, IsRequired: true);

    public static Parameter Budget { get; } = new("budget", ParameterKind.Budget);

    public static Parameter Amount { get; } = new("amount", ParameterKind.Amount);

    public static Parameter Limit { get; } = new("limit", ParameterKind.Limit);

    public static Parameter Cursor { get; } = new("cursor", ParameterKind.Cursor);
}
