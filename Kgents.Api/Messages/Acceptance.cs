using Kgents.Contracts;

namespace Kgents.Api.Messages;

/// <summary>What became of a message. Of one that is not stored, nothing is kept. The hierarchy is closed.</summary>
internal abstract record Acceptance
{
    private Acceptance()
    {
    }

    /// <summary>The message is stored, just now or by an earlier request.</summary>
    /// <param name="Sequence">The message's sequence in KGENTS_MESSAGES.</param>
    /// <param name="Replayed">An earlier request decided which turn it is.</param>
    public sealed record Stored(TurnAddress Turn, ulong Sequence, bool Replayed) : Acceptance;

    /// <summary>Another message keeps the session busy.</summary>
    public sealed record Busy : Acceptance;

    /// <summary>As many messages wait in the session as may.</summary>
    public sealed record QueueFull : Acceptance;

    /// <summary>The tenant's quota has no room for the turn.</summary>
    /// <param name="Policy"><c>turns</c> or <c>tokens</c>.</param>
    /// <param name="RetryAfter">When there may be room.</param>
    public sealed record OverQuota(string Policy, TimeSpan RetryAfter) : Acceptance;

    /// <summary>The session was deleted just now; if the message had been stored, it is purged with the rest.</summary>
    public sealed record SessionGone : Acceptance;

    /// <summary>The message was sent under a key that stands for another.</summary>
    public sealed record KeyReused : Acceptance;
}
