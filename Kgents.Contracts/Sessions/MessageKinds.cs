namespace Kgents.Contracts;

/// <summary>What a turn is for, besides answering a message.</summary>
public static class MessageKinds
{
    /// <summary>The text is a <see cref="ProposedAction"/>, and the answer a <see cref="Judgement"/>.</summary>
    public const string Governance = "governance";
}
