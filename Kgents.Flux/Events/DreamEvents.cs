namespace Kgents.Flux;

/// <summary>The soul begins to go over what happened.</summary>
public sealed record DreamStart : SoulEvent;

/// <summary>Something that came again and again.</summary>
public sealed record DreamPattern(string Content) : SoulEvent;

/// <summary>What follows from it.</summary>
public sealed record DreamInsight(string Content) : SoulEvent;

/// <summary>It is awake again.</summary>
public sealed record DreamEnd : SoulEvent;
