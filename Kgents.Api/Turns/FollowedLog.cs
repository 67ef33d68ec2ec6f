using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>What is followed: the log of one turn, which ends with it, or those of all turns of a session, which has no end.</summary>
internal sealed record FollowedLog(TenantId Tenant, SessionId Session, TurnId? Turn)
{
    public bool IsOfSession => Turn is null;

    /// <summary>For metrics.</summary>
    public string Kind => IsOfSession ? "session" : "turn";

    public string Subject => Turn is { } turn ? Subjects.Tokens(new TurnAddress(Tenant, Session, turn)) : Subjects.SessionTokens(Tenant, Session);

    public string LiveSubject => Turn is { } turn ? Subjects.Live(new TurnAddress(Tenant, Session, turn)) : Subjects.SessionLive(Tenant, Session);

    public static implicit operator FollowedLog(TurnAddress turn) => new(turn.Tenant, turn.Session, turn.Turn);

    /// <summary>For logs.</summary>
    public override string ToString() => Turn is { } turn ? $"turn {turn}" : $"session {Session}";
}
