using Kgents.Contracts;

namespace Kgents.Tests.Contracts;

public sealed class SubjectsTests
{
    private static readonly TenantId Tenant = TenantId.Parse(new string('a', 39) + "-");
    private static readonly SessionId Session = SessionId.Parse("s7-0123456789abcdef0123456789abcdef");
    private static readonly TurnId Turn = TurnId.Parse("t-fedcba9876543210fedcba9876543210");
    private static readonly TurnAddress Address = new(Tenant, Session, Turn);

    /// <summary>A subject, and what it must match: its stream's subject, or the filter of who listens.</summary>
    public static TheoryData<string, string> SubjectsAndFilters { get; } = new()
    {
        { Subjects.UserMessages(Tenant, Session), Streams.Messages.Subject },
        { Subjects.AssistantMessages(Tenant, Session), Streams.Messages.Subject },
        { Subjects.UserMessages(Tenant, Session), Subjects.Conversation(Tenant, Session) },
        { Subjects.AssistantMessages(Tenant, Session), Subjects.Conversation(Tenant, Session) },
        { Subjects.UserMessages(Tenant, Session), Subjects.AllUserMessages },
        { Subjects.Tokens(Address), Streams.Tokens.Subject },
        { Subjects.Live(Address), Streams.Tokens.RepublishTo! },
        { Subjects.Usage(Tenant, Session), Streams.Usage.Subject },
        { Subjects.Usage(Tenant, Session), Subjects.Usage(Tenant, Session.Partition) },
        { Subjects.Usage(Tenant, Session), Subjects.PartitionUsage(Tenant, Session.Partition) },
        { Subjects.Usage(Tenant, Session), Subjects.TenantUsage(Tenant) },
        { Subjects.RequestUsage(Tenant, 7), Subjects.TenantUsage(Tenant) },
        { Subjects.UsageCorrections(Tenant, 7, 12), Subjects.PartitionUsage(Tenant, 7) },
        { Subjects.DeadLetters("streaming", Tenant), Streams.DeadLetters.Subject },
        { Subjects.SessionRecord(Tenant, Session), Subjects.TenantSessions(Tenant) },
        { Subjects.Tokens(Address), Subjects.SessionTokens(Tenant, Session) },
        { Subjects.CancelMark(Address), Subjects.SessionCancelMarks(Tenant, Session) },
        { Subjects.Deletion(Tenant, Session), Subjects.AllDeletions },
    };

    [Theory]
    [MemberData(nameof(SubjectsAndFilters))]
    public void Subject_MatchesItsFilter(string subject, string filter) => Assert.True(Matches(subject, filter), $"{subject} does not match {filter}.");

    [Fact]
    public void AssistantMessage_IsNoWork_ForTheWorkers() =>
        Assert.False(Matches(Subjects.AssistantMessages(Tenant, Session), Subjects.AllUserMessages));

    [Fact]
    public void Streams_DoNotShareASubject()
    {
        string[] subjects = [Subjects.UserMessages(Tenant, Session), Subjects.Tokens(Address), Subjects.Usage(Tenant, Session), Subjects.DeadLetters("streaming", Tenant), Subjects.Live(Address)];
        string[] filters = [Subjects.AllMessages, Subjects.AllTokens, Subjects.AllUsage, Subjects.AllDeadLetters, Subjects.AllLive];

        Assert.All(subjects, subject => Assert.Single(filters, filter => Matches(subject, filter)));
    }

    [Fact]
    public void Live_IsWhereTheServerRepublishesTheLog() =>
        Assert.Equal(Subjects.Tokens(Address).Replace("kgents.tokens.", "kgents.live.", StringComparison.Ordinal), Subjects.Live(Address));

    [Fact]
    public void Subjects_AreExactlyThese()
    {
        const string session = "s7-0123456789abcdef0123456789abcdef";
        const string turn = "t-fedcba9876543210fedcba9876543210";

        Assert.Equal($"kgents.messages.7.{Tenant}.{session}.user", Subjects.UserMessages(Tenant, Session));
        Assert.Equal($"kgents.tokens.7.{Tenant}.{session}.{turn}", Subjects.Tokens(Address));
        Assert.Equal($"kgents.usage.7.{Tenant}.turns", Subjects.Usage(Tenant, Session));
        Assert.Equal($"kgents.control.{Tenant}.{session}.{turn}", Subjects.Control(Address));
        Assert.Equal($"$KV.kgents_sessions.{Tenant}.*", Subjects.TenantSessions(Tenant));
        Assert.Equal("KV_kgents_sessions", Subjects.KeyValueStream(Buckets.Sessions));
    }

    [Fact]
    public void UserMessage_GivesItsIdsBack()
    {
        Assert.True(Subjects.TryParseUserMessage(Subjects.UserMessages(Tenant, Session), out var tenant, out var session));
        Assert.Equal((Tenant, Session), (tenant, session));
    }

    [Fact]
    public void LogAndDeletion_GiveTheirIdsBack()
    {
        Assert.True(Subjects.TryParseTokens(Subjects.Tokens(Address), out var turn));
        Assert.True(Subjects.TryParseDeletion(Subjects.Deletion(Tenant, Session), out var tenant, out var session));
        Assert.Equal((Address, Tenant, Session), (turn, tenant, session));
    }

    [Theory]
    [InlineData("kgents.tokens.7.acme.s7-0123456789abcdef0123456789abcdef")]
    [InlineData("kgents.tokens.7.acme.s7-0123456789abcdef0123456789abcdef.turn")]
    [InlineData("$KV.kgents_deletions.acme")]
    [InlineData("$KV.kgents_deletions.acme.session")]
    [InlineData("")]
    public void LogAndDeletion_AreNotTaken_WhenKgentsDidNotBuildTheirSubject(string subject) =>
        Assert.False(Subjects.TryParseTokens(subject, out _) || Subjects.TryParseDeletion(subject, out _, out _));

    [Theory]
    [InlineData("kgents.messages.7.acme.s7-0123456789abcdef0123456789abcdef")]
    [InlineData("kgents.messages.7.acme.s7-0123456789abcdef0123456789abcdef.user.user")]
    [InlineData("kgents.messages.7.ACME.s7-0123456789abcdef0123456789abcdef.user")]
    [InlineData("kgents.messages.7.acme.session.user")]
    [InlineData("")]
    public void UserMessage_IsNotTaken_WhenKgentsDidNotBuildItsSubject(string subject) =>
        Assert.False(Subjects.TryParseUserMessage(subject, out _, out _));

    [Fact]
    public void OnlyTheLogOfATurn_IsPerToken()
    {
        Assert.True(Subjects.IsPerToken(Subjects.Tokens(Address)));
        Assert.True(Subjects.IsPerToken(Subjects.Live(Address)));
        Assert.False(Subjects.IsPerToken(Subjects.UserMessages(Tenant, Session)));
        Assert.False(Subjects.IsPerToken(Subjects.Usage(Tenant, Session)));
    }

    /// <summary>NATS' rule: tokens one by one, <c>*</c> is any one, <c>&gt;</c> is all that follow, at least one.</summary>
    private static bool Matches(string subject, string filter)
    {
        var tokens = subject.Split('.');
        var wanted = filter.Split('.');
        return !tokens.Contains("")
            && (wanted[^1] == ">" ? tokens.Length >= wanted.Length : tokens.Length == wanted.Length)
            && wanted.Index().All(want => want.Item is "*" or ">" || want.Item == tokens[want.Index]);
    }
}
