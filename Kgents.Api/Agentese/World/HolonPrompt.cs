using Kgents.Contracts;

namespace Kgents.Api.Agentese;

/// <summary>What the soul is asked about a thing or an idea: as whom, what to do with it, and what else there is to consider. The name is an identifier: no text of a client is taken for more than text.</summary>
internal static class HolonPrompt
{
    public static SoulQuestion Of(Invocation invocation, string kind, Func<string, System.Text.Json.Nodes.JsonNode?> tell, string form = "")
    {
        var (name, archetype) = (invocation.Path.Holon.Replace('_', ' '), invocation.Archetype);
        var task = invocation.Aspect.Name switch
        {
            HolonTurns.Define => $"Define the {kind} '{name}': what it is, what belongs to it, and where it ends.",
            "relate" => $"Say how the {kind} '{name}' is related to '{invocation.Arguments.Text("to")}': what each does to the other, and what they have in common.",
            "transform" => $"Say what would become of the {kind} '{name}' if it were transformed, and what would stay.",
            "refine" => $"Challenge what was said of the {kind} '{name}' so far, and say it better.",
            "dialectic" => $"Go through the {kind} '{name}' by thesis, antithesis and synthesis.",
            var aspect => $"What the {kind} '{name}' needs from you is to {aspect} it: say what that comes to. Nothing outside of this conversation is done.",
        };
        var given = invocation.Arguments.Input is { } input ? $"\n\nConsider this:\n{input}" : "";
        return new SoulQuestion($"You are asked as the {archetype.Name}, {archetype.Stance}. {task}{form}{given}{Phases.Told(invocation.Path)}", DialogueModes.Explore, tell);
    }
}
