using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>One request to the model, and what it was made to say to it.</summary>
/// <param name="Prompt">All text that came to it.</param>
/// <param name="Texts">So many.</param>
/// <param name="MaxTokens">The most that it was asked for.</param>
/// <param name="Text">All that it says, if it gets so far.</param>
/// <param name="EndsWell">It says all of it, and that this is the end.</param>
/// <param name="Reports">What it counts, and tells if it gets so far; null when it does not tell.</param>
/// <param name="TellsInput">Before its first token.</param>
internal sealed record Told(string Model, string Prompt, int Texts, int MaxTokens, string Text, bool EndsWell, ModelStep.Usage? Reports, bool TellsInput);
