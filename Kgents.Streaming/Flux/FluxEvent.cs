using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Flux;

/// <summary>What flows out of K-gent: text as the model makes it, and, last, what is known of the call.</summary>
public abstract record FluxEvent
{
    private protected FluxEvent()
    {
    }
}

/// <summary>A piece of text, never empty, white space kept.</summary>
public sealed record FluxText(string Text) : FluxEvent;

/// <summary>The end of a call. <paramref name="Usage"/> is what the provider reported, or null when it reported nothing.</summary>
public sealed record FluxMetadata(UsageDetails? Usage, string? ModelServed) : FluxEvent;
