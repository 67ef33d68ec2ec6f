namespace Kgents.Operations;

/// <summary>An operation that would lose something, or cannot be done here; the message says why.</summary>
internal sealed class OperationRefusedException(string message) : Exception(message);
