using Microsoft.Extensions.AI;

namespace Kgents.Flux;

/// <summary>What flows out of K-gent: text as the model makes it, and, last, what is known of the call.</summary>
public abstract record FluxEvent
{
    private protected FluxEvent()
    {
    }
}

/// <summary>A piece of text, white space kept. K-gent itself says none that is empty.</summary>
public sealed record FluxText(string Text) : FluxEvent;

/// <summary>The end of a call. <paramref name="Usage"/> is what the provider reported, or null when it reported nothing.</summary>
public sealed record FluxMetadata(UsageDetails? Usage, string? ModelServed) : FluxEvent
{
    /// <summary>Why the model ended, as the provider says; null when it does not.</summary>
    public ChatFinishReason? FinishReason { get; init; }

    /// <summary>No model was asked.</summary>
    public bool WasTemplate { get; init; }

    /// <summary>Why the call broke off although there is an answer: one that says so.</summary>
    public Exception? Fault { get; init; }
}
