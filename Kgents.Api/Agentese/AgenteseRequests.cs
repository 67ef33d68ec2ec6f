using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Kgents.Api.Agentese;

/// <summary>As whom somebody looks: <paramref name="Archetype"/> is that of the key's role, or one of no greater rank.</summary>
internal sealed record ObserverRequest(string? Archetype);

/// <summary>A path to invoke, and the values that its aspect takes. With <paramref name="Stream"/> a turn is answered as a stream.</summary>
internal sealed record InvokeRequest([property: Required] string? Path, ObserverRequest? Observer, JsonElement? Kwargs, bool? Stream);

/// <summary>Paths, each of which is given what the one before it answers. A list in the list is a composition of its own, and is the same without its brackets.</summary>
/// <param name="Kwargs">Values for all of them: each path is given those that it takes.</param>
internal sealed record ComposeRequest([property: Required] JsonElement? Paths, ObserverRequest? Observer, JsonElement? Input, JsonElement? Kwargs);
