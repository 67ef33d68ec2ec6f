namespace Kgents.Streaming.Flux;

/// <summary>One message to K-gent with what went before it in the session.</summary>
/// <param name="Mode">One of <see cref="Contracts.DialogueModes"/>.</param>
/// <param name="History">Earlier messages, oldest first.</param>
public sealed record FluxTurn(string Mode, IReadOnlyList<FluxMessage> History, string Message);

/// <summary>A message of the past.</summary>
public sealed record FluxMessage(bool FromUser, string Text);
