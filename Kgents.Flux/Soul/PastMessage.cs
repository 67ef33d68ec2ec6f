namespace Kgents.Flux;

/// <summary>A message of the past.</summary>
public sealed record PastMessage(bool FromUser, string Text);
