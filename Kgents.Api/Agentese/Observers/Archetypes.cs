namespace Kgents.Api.Agentese;

/// <summary>All archetypes, the least first: who only looks, those of a craft, and who administers.</summary>
internal static class Archetypes
{
    public static Archetype Viewer { get; } = new("viewer", 0, [], [], "who looks and leaves things as they are");

    public static Archetype Developer { get; } = new("developer", 1, ["build", "deploy", "debug", "test", "refactor"], [], "who cares for what works, is small and can be changed");

    public static Archetype Admin { get; } = new("admin", 2, ["configure", "monitor", "audit", "provision"], [], "who cares for order, access and what may go wrong");

    public static IReadOnlyList<Archetype> All { get; } =
    [
        Viewer,
        new("architect", 1, ["renovate", "measure", "blueprint", "demolish", "design"], [], "who cares for structure, materials and proportion"),
        new("poet", 1, ["describe", "metaphorize", "inhabit", "contemplate"], [], "who cares for image, mood and the one right word"),
        new("economist", 1, ["appraise", "forecast", "compare", "trade"], [], "who cares for cost, worth and what is given up"),
        new("inhabitant", 1, ["enter", "exit", "furnish", "repair", "use"], [], "who lives there and cares for how a day in it goes"),
        new("scientist", 1, ["analyze", "measure", "experiment", "hypothesize"], ["hypothesize", "validate", "classify"], "who cares for evidence and for what would prove it wrong"),
        Developer,
        new("philosopher", 1, [], ["refine", "dialectic", "synthesize", "analyze", "critique"], "who cares for meaning and for what is taken for granted"),
        new("engineer", 1, [], ["implement", "decompose", "optimize", "validate"], "who cares for how it is made and for what it costs to run"),
        new("artist", 1, [], ["interpret", "express", "transform", "inspire"], "who cares for form and for what moves somebody"),
        new("teacher", 1, [], ["explain", "simplify", "exemplify", "assess"], "who cares for whether somebody else understands"),
        Admin,
    ];

    public static Archetype? Find(string name) => All.FirstOrDefault(archetype => archetype.Name == name);

    /// <summary>What all can do with an open holon, and what only some can.</summary>
    public static IEnumerable<string> OnlySome(Func<Archetype, IReadOnlyList<string>> of) => All.SelectMany(of).Distinct();
}
