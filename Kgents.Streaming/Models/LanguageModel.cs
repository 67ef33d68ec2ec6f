using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Models;

/// <summary>Who answers. <paramref name="Name"/> is shown in every response.</summary>
/// <param name="Provider">The field's name of the provider, as in OpenTelemetry's <c>gen_ai.provider.name</c>.</param>
/// <param name="MaxOutputTokens">The most that one call can have made: a provider that reports more is not believed.</param>
/// <param name="IsPersona">The built-in persona: never billed, and never ahead of who listens, since it makes a word when it is asked for one.</param>
public sealed record LanguageModel(IChatClient Client, string Name, string Provider, int MaxOutputTokens, bool IsPersona)
{
    public static LanguageModel Persona { get; } = new(new PersonaChatClient(), PersonaChatClient.ModelName, "kgents", MaxOutputTokens: 0, IsPersona: true);
}
