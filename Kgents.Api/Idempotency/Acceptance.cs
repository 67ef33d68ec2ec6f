using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>What became of a message that was sent under a key. The hierarchy is closed.</summary>
internal abstract record Acceptance
{
    private Acceptance()
    {
    }

    /// <summary>The message is stored, just now or by an earlier request.</summary>
    /// <param name="Replayed">An earlier request decided which turn it is.</param>
    public sealed record Stored(TurnAddress Turn, bool Replayed) : Acceptance;

    /// <summary>Another message keeps the session busy; nothing is kept of this one or its key.</summary>
    public sealed record Busy : Acceptance;

    /// <summary>The key stands for another message.</summary>
    public sealed record KeyReused : Acceptance;
}
