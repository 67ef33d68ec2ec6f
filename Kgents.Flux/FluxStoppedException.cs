namespace Kgents.Flux;

/// <summary>The flux is stopped, or stopped before it came to the event: nothing was done with it.</summary>
public sealed class FluxStoppedException(string id) : InvalidOperationException($"{id} is stopped.");
