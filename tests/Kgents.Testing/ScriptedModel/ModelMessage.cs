namespace Kgents.Testing;

/// <summary>One message of a request's conversation.</summary>
/// <param name="Content">The text; the text parts joined when the client sent parts.</param>
public sealed record ModelMessage(string Role, string Content);
