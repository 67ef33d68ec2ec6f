using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>A conversation: <c>s{partition}-{32 hex digits}</c>. The partition is part of the id, so a change of their number moves no session.</summary>
[JsonConverter(typeof(IdJsonConverter<SessionId>))]
public readonly record struct SessionId : IParsable<SessionId>
{
    private readonly string? value;

    private SessionId(string value) => this.value = value;

    public static SessionId Parse(string s, IFormatProvider? provider = null) =>
        new(IdSyntax.Require(s, IdSyntax.Session.IsMatch(s), "session"));

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out SessionId result)
    {
        var valid = s is not null && IdSyntax.Session.IsMatch(s);
        result = valid ? new SessionId(s!) : default;
        return valid;
    }

    /// <summary>The partition that the session was created in; it is the first token of its subjects.</summary>
    public int Partition => int.Parse(ToString().AsSpan(1, ToString().IndexOf('-') - 1), System.Globalization.CultureInfo.InvariantCulture);

    public static SessionId New(int partition, TimeProvider time) => Parse($"s{partition}-{Guid.CreateVersion7(time.GetUtcNow()):n}");

    public override string ToString() => value ?? throw new InvalidOperationException("This session id was never set.");
}
