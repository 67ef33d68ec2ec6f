using Kgents.Contracts;

namespace Kgents.Flux;

/// <summary>How a soul is.</summary>
/// <param name="TokensUsed">By this soul so far, as providers reported.</param>
public sealed record SoulState(string Mode, long Interactions, long TokensUsed);

/// <summary>Asks for the soul's coordinates; the answer has them.</summary>
public sealed record EigenvectorProbe : SoulEvent
{
    public Eigenvectors? Eigenvectors { get; init; }
}

/// <summary>A sign of life of a flowing stream.</summary>
public sealed record Pulse(bool IsHealthy) : SoulEvent;

/// <summary>Asks how the soul is; the answer has that and its coordinates.</summary>
public sealed record StateSnapshot : SoulEvent
{
    public Eigenvectors? Eigenvectors { get; init; }
}

/// <summary>An event could not be answered. The stream goes on.</summary>
/// <param name="Error">A sentence for people, without internals.</param>
/// <param name="ErrorType">The kind of the fault.</param>
/// <param name="OriginalEventType">The kind of the event.</param>
public sealed record SoulError(string Error, string ErrorType, string OriginalEventType) : SoulEvent;

/// <summary>Comes back as it is.</summary>
public sealed record Ping : SoulEvent;
