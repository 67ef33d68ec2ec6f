using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>One user message and the answer to it: <c>t-{32 hex digits}</c>.</summary>
[JsonConverter(typeof(IdJsonConverter<TurnId>))]
public readonly record struct TurnId : IParsable<TurnId>
{
    private readonly string? value;

    private TurnId(string value) => this.value = value;

    public static TurnId Parse(string s, IFormatProvider? provider = null) =>
        new(IdSyntax.Require(s, IdSyntax.Turn.IsMatch(s), "turn"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out TurnId result)
    {
        var valid = s is not null && IdSyntax.Turn.IsMatch(s);
        result = valid ? new TurnId(s!) : default;
        return valid;
    }

    public static TurnId New(TimeProvider time) => Parse($"t-{Guid.CreateVersion7(time.GetUtcNow()):n}");

    /// <summary>The id of the message that opened this turn; derived, so every process and every retry agrees on it.</summary>
    public string UserMessageId => "u" + ToString()[1..];

    /// <summary>The id of the answer; derived like <see cref="UserMessageId"/>.</summary>
    public string AssistantMessageId => "a" + ToString()[1..];

    public override string ToString() => value ?? throw new InvalidOperationException("This turn id was never set.");
}
