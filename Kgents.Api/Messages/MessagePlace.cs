namespace Kgents.Api.Messages;

/// <summary>The place of a session's next message: its turn is the <paramref name="N"/>th, and it follows the user message at <paramref name="Base"/>, 0 for none.</summary>
/// <param name="Ahead">Turns that have not ended; the first of them may be under way.</param>
internal readonly record struct MessagePlace(long N, ulong Base, int Ahead);
