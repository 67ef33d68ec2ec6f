using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Tests.Contracts;

public sealed class IdSyntaxTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef";

    /// <summary>What would add a token, a wildcard, a line or a header to a subject if it passed, each also inside an id that is right otherwise.</summary>
    public static TheoryData<string> Hostile { get; } =
    [
        "", " ", ".", "*", ">", "a.b", "a b", "a\tb", "a\rb", "a\nb", "acme\n", "acme\r\n", "\nacme", "acme\0", "$JS", "a/b", "a_b", "ä", "٣", "Acme",
        $"s0-{Hex}\n", $"s0.{Hex}", $"s*-{Hex}", $"s0-{Hex} ", $"S0-{Hex}", $"s0-{Hex.ToUpperInvariant()}", $"s٣-{Hex}", $"s0-{Hex[1..]}.",
        $"t-{Hex}\n", $"t.{Hex}", $"t-{Hex}\r\nNats-Msg-Id: 1", $"T-{Hex}", $"t-{Hex.ToUpperInvariant()}", $"t-{Hex[1..]}>", $" t-{Hex}",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Ids_AreRefused_WhenTheyCouldChangeASubject(string text)
    {
        Refuses<TenantId>(text);
        Refuses<SessionId>(text);
        Refuses<TurnId>(text);
    }

    [Theory]
    [InlineData("s-" + Hex)]
    [InlineData("s1000-" + Hex)]
    [InlineData("s-1-" + Hex)]
    [InlineData("s0-" + Hex + "0")]
    [InlineData("t-" + Hex)]
    public void SessionId_IsRefused_WithoutAPartitionAndAllItsDigits(string text) => Refuses<SessionId>(text);

    [Theory]
    [InlineData("t-0123")]
    [InlineData("t-" + Hex + "0")]
    [InlineData("s0-" + Hex)]
    public void TurnId_IsRefused_WithoutAllItsDigits(string text) => Refuses<TurnId>(text);

    [Fact]
    public void TenantId_IsTaken_UpToFortyCharacters()
    {
        var longest = new string('a', 40);

        Assert.Equal(longest, TenantId.Parse(longest).ToString());
        Assert.Equal("0-9-z", TenantId.Parse("0-9-z").ToString());
        Refuses<TenantId>(longest + "a");
    }

    [Fact]
    public void Refusal_QuotesFortyCharactersAtMost_WhenTheTextIsLong()
    {
        var exception = Assert.Throws<FormatException>(() => TenantId.Parse(new string('x', 10_000)));

        Assert.Contains("is not a tenant id", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Message.Length, 40, 80);
    }

    [Theory]
    [InlineData("s0-" + Hex, 0)]
    [InlineData("s7-" + Hex, 7)]
    [InlineData("s999-" + Hex, 999)]
    public void SessionId_TellsItsPartition(string text, int partition) => Assert.Equal(partition, SessionId.Parse(text).Partition);

    [Fact]
    public void NewIds_AreOfTheirOwnSyntax_AndDiffer()
    {
        var session = SessionId.New(12, TimeProvider.System);
        var turn = TurnId.New(TimeProvider.System);

        Assert.Equal(12, session.Partition);
        Assert.Equal(session, SessionId.Parse(session.ToString()));
        Assert.Equal(turn, TurnId.Parse(turn.ToString()));
        Assert.NotEqual(turn, TurnId.New(TimeProvider.System));
        Assert.NotEqual(session, SessionId.New(12, TimeProvider.System));
    }

    [Fact]
    public void MessageIds_AreDerivedFromTheTurn()
    {
        var turn = TurnId.Parse("t-" + Hex);

        Assert.Equal("u-" + Hex, turn.UserMessageId);
        Assert.Equal("a-" + Hex, turn.AssistantMessageId);
    }

    [Fact]
    public void Id_RefusesToBeWritten_WhenItWasNeverSet()
    {
        Assert.Throws<InvalidOperationException>(() => default(TenantId).ToString());
        Assert.Throws<InvalidOperationException>(() => default(SessionId).Partition);
        Assert.Throws<InvalidOperationException>(() => default(TurnId).ToString());
    }

    /// <summary>By each way in: Parse, TryParse and JSON.</summary>
    private static void Refuses<TId>(string text)
        where TId : struct, IParsable<TId>
    {
        Assert.Throws<FormatException>(() => TId.Parse(text, null));
        Assert.False(TId.TryParse(text, null, out var id));
        Assert.Equal(default, id);
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<TId>(JsonSerializer.Serialize(text)));
    }
}
