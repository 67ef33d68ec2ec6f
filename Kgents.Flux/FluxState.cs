namespace Kgents.Flux;

/// <summary>What a <see cref="KgentFlux"/> is doing.</summary>
public enum FluxState
{
    /// <summary>No stream flows; an event is processed by itself.</summary>
    Dormant,

    /// <summary>A stream flows; an event from outside of it goes before the stream's next one.</summary>
    Flowing,

    /// <summary>The source has ended; what is left in the buffers is still taken.</summary>
    Draining,

    /// <summary>Over. It can be started again, or reset.</summary>
    Stopped,
}
