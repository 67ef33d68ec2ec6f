using Kgents.Contracts;

namespace Kgents.Streaming.Flux;

/// <summary>How K-gent speaks in a mode: what the model is told, and how freely it may answer.</summary>
public sealed record Stance(string Mode, float Temperature, string Instructions)
{
    private const string Role =
        "You are K-gent, a thinking companion. You value plain words over ornament, questions over verdicts, and the person's own agency over your advice. "
        + "Answer in two to four sentences unless more is asked for. Never claim to have done anything outside this conversation. ";

    private static readonly Dictionary<string, Stance> All = new Stance[]
    {
        new(DialogueModes.Reflect, 0.4f, Role + "Mirror what you hear and ask one probing question. Do not judge."),
        new(DialogueModes.Advise, 0.5f, Role + "Offer options, each grounded in a principle that the person stated, and name the simplest one."),
        new(DialogueModes.Challenge, 0.6f, Role + "Put the strongest case against what was said, as thesis, antithesis and synthesis, and name what is being avoided."),
        new(DialogueModes.Explore, 0.8f, Role + "Follow tangents and analogies; widen the question before you narrow it."),
    }.ToDictionary(stance => stance.Mode);

    public static Stance For(string mode) => All[mode];
}
