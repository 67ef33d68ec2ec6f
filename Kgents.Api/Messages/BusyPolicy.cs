namespace Kgents.Api.Messages;

/// <summary>What becomes of a message to a session that is answering another.</summary>
internal enum BusyPolicy
{
    /// <summary>It is refused.</summary>
    Reject,

    /// <summary>It waits until the turns before it have ended.</summary>
    Enqueue,

    /// <summary>It waits too, and the turns before it are cancelled.</summary>
    Interrupt,
}
