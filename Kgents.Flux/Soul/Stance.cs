using Kgents.Contracts;

namespace Kgents.Flux;

/// <summary>How K-gent speaks in a mode: what the model is told, how freely it may answer, and what the soul says when it takes the stance.</summary>
public sealed record Stance(string Mode, float Temperature, string Instructions, string Intro)
{
    private static readonly Dictionary<string, Stance> All = new Stance[]
    {
        new(DialogueModes.Reflect, 0.4f, "Mirror what you hear and ask one probing question. Do not judge.", "Let us reflect: I will mirror what I hear, and ask."),
        new(DialogueModes.Advise, 0.5f, "Offer options, each grounded in a principle that the person stated, and name the simplest one.", "Let me advise: options, each with the principle behind it."),
        new(DialogueModes.Challenge, 0.6f, "Put the strongest case against what was said, as thesis, antithesis and synthesis, and name what is being avoided.", "Let me challenge: the strongest case against, and what it leaves standing."),
        new(DialogueModes.Explore, 0.8f, "Follow tangents and analogies; widen the question before you narrow it.", "Let us explore: wider first, then narrower."),
    }.ToDictionary(stance => stance.Mode);

    public static Stance For(string mode) => All[mode];
}
